/** A page of the web, reduced to what can be read. */
export interface WebPage {
  /** Where it came from in the end. */
  url: string;
  title: string;
  text: string;
  links: readonly PageLink[];
}

/** A link in the text of a page. */
export interface PageLink {
  url: string;
  text: string;
}

/** A page that cannot be read; the message is for the model. */
export class PageFailure extends Error {
  override readonly name = 'PageFailure';
}

/** What a page without a title is called. */
export function nameOf(url: string): string {
  const { hostname, pathname } = new URL(url);
  const last = pathname.split('/').filter(Boolean).at(-1) ?? '';
  return last === '' ? hostname : `${hostname}: ${last}`.slice(0, 200);
}
