import { searchIn } from '../../config/hosted.ts';
import type { FetchLike } from '../../egress/egress.ts';
import { log } from '../../log.ts';
import type { OpenTools } from '../open-tools.ts';
import type { Tool } from '../tool.ts';
import { definitionsOf } from './definitions.ts';
import { runWith } from './functions.ts';
import { citationMarks } from './marks.ts';
import { openProvider } from './open-provider.ts';
import { loadPage, MAX_PAGE_BYTES, PAGE_TYPES } from './page.ts';
import { type PageReducer, reducePage } from './page-reducer.ts';
import type { SearchWeb } from './provider.ts';
import { echoOf, type SearchSettings, settingsOf } from './settings.ts';
import { WebTurn } from './turn.ts';
import { PageFailure } from './web-page.ts';

/** How long a page may be silent, and take as a whole, in milliseconds: a model waits for it. */
const PAGE_TIMEOUT_MS = 10_000;
const PAGE_DEADLINE_MS = 30_000;

/** PDF files are read here only where the platform ends what takes too long: what a file asks for cannot be bounded before. */
const reduceHere: PageReducer = async (page, _who, signal) => {
  if (page.kind === 'pdf' && navigator.userAgent !== 'Cloudflare-Workers')
    throw new PageFailure('It is a PDF file, which this server does not read.');
  return reducePage(page, signal);
};

/** The `web_search` of a configuration with a search provider; none without. HTML is reduced in this process, and PDF files on Workers alone. */
export const openWebSearch: OpenTools = openWebSearchWith(reduceHere);

/** The same with another way to reduce pages, such as `createPageReducer` of antiphon/node. */
export function openWebSearchWith(reduce: PageReducer): OpenTools {
  return ({ hosted }, { egress }) => {
    const provider = searchIn(hosted);
    if (!provider) return [];
    const reach = egress.open({
      maxBytes: MAX_PAGE_BYTES,
      timeout: PAGE_TIMEOUT_MS,
      deadline: PAGE_DEADLINE_MS,
      types: PAGE_TYPES,
    });
    return [webSearch(openProvider(provider, egress), reach, reduce)];
  };
}

/** The tool, over a search and a way to pages. */
export function webSearch(search: SearchWeb, reach: FetchLike, reduce = reduceHere): Tool<SearchSettings> {
  return {
    type: 'web_search',
    parse: settingsOf,
    echo: echoOf,
    definitions: definitionsOf,
    async *open(settings, _signal, { input, caller }) {
      const load = (url: string, signal: AbortSignal) =>
        loadPage(reach, (page) => reduce(page, caller, signal), url, signal);
      const turn = new WebTurn(settings, search, load, input);
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
