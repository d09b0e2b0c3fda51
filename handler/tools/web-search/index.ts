import { searchIn } from '../../config/hosted.ts';
import type { FetchLike } from '../../egress/egress.ts';
import { log } from '../../log.ts';
import type { OpenTools } from '../open-tools.ts';
import type { Tool } from '../tool.ts';
import { definitionsOf } from './definitions.ts';
import { runWith } from './functions.ts';
import { citationMarks } from './marks.ts';
import { openProvider } from './open-provider.ts';
import { MAX_PAGE_BYTES, PAGE_TYPES } from './page.ts';
import type { SearchWeb } from './provider.ts';
import { echoOf, type SearchSettings, settingsOf } from './settings.ts';
import { WebTurn } from './turn.ts';

/** How long a page may be silent, and take as a whole, in milliseconds: a model waits for it. */
const PAGE_TIMEOUT_MS = 10_000;
const PAGE_DEADLINE_MS = 30_000;

/** The `web_search` of a configuration with a search provider; none without. */
export const openWebSearch: OpenTools = ({ hosted }, { egress }) => {
  const provider = searchIn(hosted);
  if (!provider) return [];
  const reach = egress.open({
    maxBytes: MAX_PAGE_BYTES,
    timeout: PAGE_TIMEOUT_MS,
    deadline: PAGE_DEADLINE_MS,
    types: PAGE_TYPES,
  });
  return [webSearch(openProvider(provider, egress), reach)];
};

/** The tool, over a search and a way to pages. */
export function webSearch(search: SearchWeb, reach: FetchLike): Tool<SearchSettings> {
  return {
    type: 'web_search',
    parse: settingsOf,
    echo: echoOf,
    definitions: definitionsOf,
    async *open(settings, _signal, { input }) {
      const turn = new WebTurn(settings, search, reach, input);
      const warn = (error: Error) => log.warn('a web search failed', { error: error.message });
      return {
        functions: definitionsOf(settings).map((definition) => ({
          definition,
          run: runWith(turn, definition.name, warn),
        })),
        marks: citationMarks(turn.sources),
      };
    },
  };
}
