import type { FetchLike } from '../../egress/egress.ts';
import { EgressError } from '../../egress/egress.ts';
import { decode, type LoadedPage } from './page-reducer.ts';
import { nameOf, PageFailure, type WebPage } from './web-page.ts';

/** Bytes of a page that are loaded: PDF files have their index at the end, so less is nothing. */
export const MAX_PAGE_BYTES = 5 * 1024 * 1024;
/** Bytes of a page that are read: reducing more takes a process longer than others should wait. */
const MAX_TEXT_BYTES = 1024 * 1024;
/** The content types that can be read. */
export const PAGE_TYPES = ['text/*', 'application/xhtml+xml', 'application/pdf', 'application/json', 'application/xml'];

const HTML = /^(text\/html|application\/xhtml\+xml)$/;

/** Loads a page and has it reduced to text. Rejects with a PageFailure, or with the signal's reason. */
export async function loadPage(
  reach: FetchLike,
  reduce: (page: LoadedPage) => Promise<WebPage>,
  url: string,
  signal: AbortSignal,
): Promise<WebPage> {
  try {
    const reply = await reach(url, { headers: { accept: 'text/html,application/pdf;q=0.9,text/*;q=0.8' }, signal });
    if (!reply.ok) {
      await reply.body?.cancel();
      throw new PageFailure(`The page answered ${reply.status}.`);
    }
    const at = reply.url || url;
    const [type = '', ...parameters] = (reply.headers.get('content-type') ?? '').toLowerCase().split(';');
    if (type.trim() === 'application/pdf')
      return await reduce({ kind: 'pdf', url: at, bytes: new Uint8Array(await reply.arrayBuffer()) });
    const bytes = await beginningOf(reply);
    const charset = /charset=["']?([\w-]+)/.exec(parameters.join(';'))?.[1];
    if (HTML.test(type.trim())) return await reduce({ kind: 'html', url: at, bytes, charset });
    return { url: at, title: nameOf(at), text: decode(bytes, charset), links: [] };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof PageFailure) throw error;
    const message = error instanceof EgressError ? error.message : 'It cannot be read.';
    throw new PageFailure(`The page cannot be opened: ${message}`, { cause: error });
  }
}

/** As many bytes of a body as are read; the rest is not loaded. */
async function beginningOf({ body }: Response): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = body?.getReader();
  while (reader && length < MAX_TEXT_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value.subarray(0, MAX_TEXT_BYTES - length));
    length += value.length;
  }
  await reader?.cancel().catch(() => {}); // what is not read may fail
  const bytes = new Uint8Array(Math.min(length, MAX_TEXT_BYTES));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
