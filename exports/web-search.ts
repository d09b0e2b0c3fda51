// antiphon/web-search: `web_search` for any model, over SearXNG, Brave, Tavily, Exa, or a search of your own. An entry of its own, for its libraries.

export type { Egress, EgressRules, FetchLike } from '../handler/egress/egress.ts';
export { openWebSearch, openWebSearchWith, webSearch } from '../handler/tools/web-search/index.ts';
export type { LoadedPage, PageReducer } from '../handler/tools/web-search/page-reducer.ts';
export {
  type FoundPage,
  SearchFailure,
  type SearchOptions,
  type SearchWeb,
} from '../handler/tools/web-search/provider.ts';
export type { SearchSettings } from '../handler/tools/web-search/settings.ts';
export { PageFailure, type PageLink, type WebPage } from '../handler/tools/web-search/web-page.ts';
