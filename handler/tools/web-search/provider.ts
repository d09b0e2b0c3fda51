/** Searches the web with one provider. Rejects with a SearchFailure, or with the signal's reason. */
export type SearchWeb = (query: string, options: SearchOptions) => Promise<FoundPage[]>;

/** How a search is narrowed. */
export interface SearchOptions {
  /** As many pages as are wanted. Some providers give more. */
  count: number;
  /** The domains that pages may be of, subdomains included; none allows any. Who asks checks them again. */
  domains: readonly string[];
  /** Two letters, as the request has them. */
  country?: string | undefined;
  /** As many characters of a page's text as are wanted. */
  textLength: number;
  signal: AbortSignal;
}

/** A page that a search found, with as much of its text as the provider tells. */
export interface FoundPage {
  url: string;
  title: string;
  text: string;
  date?: string | undefined;
}

/** A search that came to nothing. The message says why, and what helps; it holds neither key nor address. */
export class SearchFailure extends Error {
  override readonly name = 'SearchFailure';
}

/** A query that finds pages of these domains, for providers that read operators in it. */
export function withSites(query: string, domains: readonly string[]): string {
  if (domains.length === 0) return query;
  const sites = domains.map((domain) => `site:${domain}`).join(' OR ');
  return domains.length === 1 ? `${query} ${sites}` : `${query} (${sites})`;
}
