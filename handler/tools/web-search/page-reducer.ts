import type { Claimant } from '../../caller-count.ts';
import type { WebPage } from './web-page.ts';

/** A page as it was loaded: HTML or a PDF file. */
export interface LoadedPage {
  kind: 'html' | 'pdf';
  /** Where it came from in the end. */
  url: string;
  bytes: Uint8Array;
  /** The charset that its server names. */
  charset?: string | undefined;
}

/**
 * Reduces a page to its text, for a caller. Whoever wrote the page may want that to take long, so a root that has threads does it in one. Rejects
 * with a PageFailure, or with the signal's reason.
 */
export type PageReducer = (page: LoadedPage, who: Claimant, signal: AbortSignal) => Promise<WebPage>;

/** Reduces a page where it is called: all else of the process waits. Its libraries are loaded when they are first needed. */
export async function reducePage(page: LoadedPage, signal?: AbortSignal): Promise<WebPage> {
  const reduce = await loadReducer(page.kind);
  return reduce(page, signal);
}

/** Loads what reduces pages of a kind. */
export async function loadReducer(
  kind: LoadedPage['kind'],
): Promise<(page: LoadedPage, signal?: AbortSignal) => WebPage | Promise<WebPage>> {
  if (kind === 'pdf') {
    const { readPdf } = await import('./pdf.ts');
    return ({ bytes, url }, signal) => readPdf(new Uint8Array(bytes), url, signal); // of Node's Buffers it takes none
  }
  const { readHtml } = await import('./html.ts');
  return ({ bytes, charset, url }) => readHtml(decode(bytes, charset), url);
}

/** Text by a charset, or by the one that its HTML names; UTF-8 else. */
export function decode(bytes: Uint8Array, charset: string | undefined): string {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 2048));
  const named = charset ?? /<meta[^>]{0,200}charset=["']?([\w-]+)/i.exec(head)?.[1];
  try {
    return new TextDecoder(named ?? 'utf-8').decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes); // a charset that nobody knows
  }
}
