import type { FetchLike } from '../../../egress/egress.ts';
import type { SearchWeb } from '../provider.ts';
import { askProvider, pagesIn } from './ask.ts';

/** Where Exa's API is. */
export const EXA_URL = 'https://api.exa.ai/search';

/** Exa's search, with the beginning of each page. */
export function openExa(reach: FetchLike, base: URL, key: string): SearchWeb {
  const provider = {
    name: 'Exa',
    reach,
    explain: (status: number) => (status === 402 ? 'Exa has no credits left for this key (402).' : undefined),
  };
  return async (query, { count, domains, country, textLength, signal }) => {
    const body = {
      query,
      type: 'auto',
      numResults: count,
      contents: { text: { maxCharacters: textLength } },
      ...(domains.length > 0 && { includeDomains: domains }),
      ...(country && { userLocation: country.toUpperCase() }),
    };
    const headers = { 'content-type': 'application/json', 'x-api-key': key };
    const init = { method: 'POST', headers, body: JSON.stringify(body), signal };
    const { results } = await askProvider(provider, base, init);
    return pagesIn(results, ({ url, title, text, publishedDate }) => ({ url, title, text, date: publishedDate })).slice(
      0,
      count,
    );
  };
}
