import type { FetchLike } from '../../../egress/egress.ts';
import type { SearchWeb } from '../provider.ts';
import { askProvider, pagesIn } from './ask.ts';

/** Where Tavily's API is. */
export const TAVILY_URL = 'https://api.tavily.com/search';
/** The most pages that it gives. */
const MAX_COUNT = 20;

/** Tavily's search. */
export function openTavily(reach: FetchLike, base: URL, key: string): SearchWeb {
  const provider = {
    name: 'Tavily',
    reach,
    explain: (status: number) =>
      status === 432 || status === 433
        ? `Tavily takes no more searches on this plan (${status}): raise its limit, or wait for the next month.`
        : undefined,
  };
  return async (query, { count, domains, signal }) => {
    const body = {
      query,
      max_results: Math.min(count, MAX_COUNT),
      ...(domains.length > 0 && { include_domains: domains }),
    };
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
    const init = { method: 'POST', headers, body: JSON.stringify(body), signal };
    const { results } = await askProvider(provider, base, init);
    return pagesIn(results, ({ url, title, content, published_date }) => ({
      url,
      title,
      text: content,
      date: published_date,
    })).slice(0, count);
  };
}
