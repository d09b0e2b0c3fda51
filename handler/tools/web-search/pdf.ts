import { getDocumentProxy, getMeta } from 'unpdf';
import { nameOf, PageFailure, type WebPage } from './web-page.ts';

/** Pages of a file that are read, and characters of their texts: more is more than any model reads. */
const MAX_PAGES = 100;
const MAX_CHARACTERS = 400_000;
const MAX_TITLE = 300;

/** The text of a PDF file, page by page. Rejects with a PageFailure for one that cannot be read. */
export async function readPdf(bytes: Uint8Array, url: string, signal?: AbortSignal): Promise<WebPage> {
  const document = await getDocumentProxy(bytes, { verbosity: 0 }).catch((cause) => {
    throw new PageFailure('The PDF file cannot be read.', { cause });
  });
  try {
    const { info } = await getMeta(document);
    const pages: string[] = [];
    let length = 0;
    for (let number = 1; number <= Math.min(document.numPages, MAX_PAGES) && length < MAX_CHARACTERS; number++) {
      signal?.throwIfAborted();
      const { items } = await (await document.getPage(number)).getTextContent();
      const text = items.map((item) => ('str' in item ? `${item.str}${item.hasEOL ? '\n' : ''}` : '')).join('');
      length += text.length;
      pages.push(text.trim());
    }
    const named = typeof info.Title === 'string' ? info.Title.slice(0, MAX_TITLE).trim() : '';
    const title = named === '' ? nameOf(url) : named;
    // One page may have the text of thousands.
    const text = pages.filter(Boolean).join('\n\n').slice(0, MAX_CHARACTERS).toWellFormed();
    if (text === '') throw new PageFailure('The PDF file has no text: its pages are images.');
    return { url, title, text, links: [] };
  } finally {
    await document.loadingTask.destroy();
  }
}
