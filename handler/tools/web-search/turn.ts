import type { Item } from '../../items/item.ts';
import { isAllowed } from './domains.ts';
import { SearchFailure, type SearchWeb } from './provider.ts';
import type { SearchSettings } from './settings.ts';
import { Sources } from './sources.ts';
import { PageFailure, type WebPage } from './web-page.ts';

/** Pages that a turn keeps, so that a text is found in what was opened without loading it again. */
const MAX_PAGES = 8;
/** Characters of what a user wrote that are looked through for addresses. */
const MAX_NAMED = 200_000;

/** Characters of an address at most: it is looked for in all that the user wrote. */
const MAX_URL = 2_000;

/** A number as models write it: alone, in brackets, or behind a word. */
const NUMBER = /^[【[]?\s*(?:link|result|source|page|#)?\s*(\d{1,6})\s*[】\]]?$/i;

/** Loads a page, and has it reduced to text. */
type LoadPage = (url: string, signal: AbortSignal) => Promise<WebPage>;

/** What one turn knows of the web. */
export class WebTurn {
  readonly sources: Sources;
  readonly settings: SearchSettings;
  readonly search: SearchWeb;
  #searches = 0;
  readonly #load: LoadPage;
  readonly #pages = new Map<string, WebPage>();
  readonly #named: string;

  constructor(settings: SearchSettings, search: SearchWeb, load: LoadPage, input: readonly Item[]) {
    this.settings = settings;
    this.search = search;
    this.#load = load;
    this.sources = new Sources(input);
    this.#named = input.flatMap(textOf).join('\n').slice(-MAX_NAMED).toLowerCase();
  }

  /** Counts a search. Throws a SearchFailure for one too many. */
  countSearch(): void {
    if (++this.#searches > this.settings.maxSearches)
      throw new SearchFailure('Not searched: no more searches are allowed in this turn.');
  }

  /** The URL that a model means by a number, or an address that it writes. Throws a PageFailure for what it may not open. */
  urlOf(page: string): string {
    if (page.length > MAX_URL) throw new PageFailure(`The URL has more than ${MAX_URL} characters.`);
    const number = NUMBER.exec(page.trim())?.[1];
    if (number !== undefined) {
      const source = this.sources.at(Number(number));
      if (source) return this.#allowed(source.url);
      throw new PageFailure(`No result and no link has the number ${number}.`);
    }
    const written = /^[a-z][a-z\d+.-]*:\/\//i.test(page.trim()) ? page.trim() : `https://${page.trim()}`;
    if (!URL.canParse(written)) throw new PageFailure('That is neither the number of a result or link, nor a URL.');
    const url = new URL(written);
    url.hash = '';
    // A page can ask a model to put what it knows into an address: only those that somebody else wrote are opened.
    if (this.sources.of(url.href) || this.#names(url)) return this.#allowed(url.href);
    throw new PageFailure(
      'Only pages that a search found, that an opened page links to, or that the user named can be opened: search for it.',
    );
  }

  /** The page at a URL that may be opened. Rejects with a PageFailure, or with the signal's reason. */
  async load(url: string, signal: AbortSignal): Promise<WebPage> {
    const known = this.#pages.get(url);
    if (known) return known;
    const page = await this.#load(url, signal);
    this.#allowed(page.url);
    this.#pages.set(url, page);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > MAX_PAGES && oldest !== undefined) this.#pages.delete(oldest);
    return page;
  }

  #allowed(url: string): string {
    const { domains, blocked } = this.settings;
    if (isAllowed(url, this.settings)) return url;
    if (domains.length > 0) throw new PageFailure(`Only pages of ${domains.join(', ')} may be opened.`);
    throw new PageFailure(`No pages of ${blocked.join(', ')} may be opened.`);
  }

  #names({ host, pathname, search }: URL): boolean {
    const place = `${host.replace(/^www\./, '')}${pathname}${search}`.replace(/\/$/, '').toLowerCase();
    return this.#named.includes(place);
  }
}

/** What a user wrote, and whoever instructs the model. */
function textOf(item: Item): string[] {
  if (item.type !== 'message' || item.role === 'assistant') return [];
  return item.content.flatMap((part) => ('text' in part ? [part.text] : []));
}
