import type { FetchLike } from '../../../egress/egress.ts';
import { isObject } from '../../../protocol/json.ts';
import { plainText } from '../plain-text.ts';
import { type SearchWeb, withSites } from '../provider.ts';
import { askProvider, pagesIn } from './ask.ts';

/** Where Brave's API is. */
export const BRAVE_URL = 'https://api.search.brave.com/res/v1/web/search';
/** The most pages that it gives. */
const MAX_COUNT = 20;

/** Brave's search. It marks words in its texts by tags. */
export function openBrave(reach: FetchLike, base: URL, key: string): SearchWeb {
  const provider = { name: 'Brave', reach };
  return async (query, { count, domains, country, signal }) => {
    const url = new URL(base);
    url.searchParams.set('q', withSites(query, domains));
    url.searchParams.set('count', String(Math.min(count, MAX_COUNT)));
    url.searchParams.set('extra_snippets', 'true');
    if (country) url.searchParams.set('country', country.toUpperCase());
    const headers = { accept: 'application/json', 'x-subscription-token': key };
    const { web } = await askProvider(provider, url, { headers, signal });
    return pagesIn(isObject(web) ? web.results : [], ({ url, title, description, extra_snippets, page_age }) => ({
      url,
      title: plainText(title),
      text: [description, ...(Array.isArray(extra_snippets) ? extra_snippets : [])].map(plainText).join('\n'),
      date: page_age,
    })).slice(0, count);
  };
}
