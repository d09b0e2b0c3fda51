// antiphon/web-search: `web_search` for any model, over SearXNG, Brave, Tavily, Exa, or a search of your own. An entry of its own, for its libraries.

export type { Egress, EgressRules, FetchLike } from '../handler/egress/egress.ts';
export { openWebSearch, webSearch } from '../handler/tools/web-search/index.ts';
export {
  type FoundPage,
  SearchFailure,
  type SearchOptions,
  type SearchWeb,
} from '../handler/tools/web-search/provider.ts';
export type { SearchSettings } from '../handler/tools/web-search/settings.ts';
