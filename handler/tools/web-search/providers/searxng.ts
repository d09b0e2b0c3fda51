import type { FetchLike } from '../../../egress/egress.ts';
import { type SearchWeb, withSites } from '../provider.ts';
import { askProvider, pagesIn } from './ask.ts';

const REFUSES_JSON =
  'SearXNG answered 403: its settings.yml must list `json` under `search.formats`, which most instances do not.';

/** SearXNG, at its own address. It has no keys, and gives as many pages as it likes. */
export function openSearxng(reach: FetchLike, base: URL): SearchWeb {
  const provider = { name: 'SearXNG', reach, explain: (status: number) => (status === 403 ? REFUSES_JSON : undefined) };
  return async (query, { count, domains, signal }) => {
    const url = new URL(base);
    url.pathname = `${base.pathname.replace(/\/(search\/?)?$/, '')}/search`;
    url.search = new URLSearchParams({ q: withSites(query, domains), format: 'json' }).toString();
    const { results } = await askProvider(provider, url, { headers: { accept: 'application/json' }, signal });
    const pages = pagesIn(results, ({ url, title, content, publishedDate }) => ({
      url,
      title,
      text: content,
      date: publishedDate,
    }));
    return pages.slice(0, count);
  };
}
