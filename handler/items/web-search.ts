import * as v from 'valibot';
import { AnyObject, Id, maybe } from '../protocol/fields.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { OfItem } from './event.ts';
import { type FunctionRun, functionRun, toldAs } from './hosted-kind.ts';
import type { HostedCallKind } from './kind.ts';
import { unchanged } from './stream.ts';
import { found, object, orElse, quoted, texts } from './telling.ts';

const InputWebSearchCall = v.object({
  type: v.literal('web_search_call'),
  id: Id,
  action: maybe(AnyObject),
  results: maybe(v.array(AnyObject)),
  status: maybe(v.string()),
  function: functionRun,
});

/** A use of the web: a search, a page that was opened, or a text that was looked for in one. */
export interface WebSearchCall {
  type: 'web_search_call';
  id: string;
  /** Absent until it is done. Items of others may have any. */
  action: WebAction;
  results?: JsonObject[];
  status: 'in_progress' | 'searching' | 'completed' | 'incomplete' | 'failed';
  /** What the model wrote and read, where this server ran the call. */
  function?: FunctionRun;
}

/** What was done on the web; `sources` where a request includes them. */
export type WebAction =
  | { type: 'search'; query: string; queries: string[]; sources?: { type: 'url'; url: string }[] }
  | { type: 'open_page'; url: string }
  | { type: 'find_in_page'; url: string; pattern: string };

/** How far a use of the web has come. */
type WebSearchEvent = OfItem & { type: `response.web_search_call.${'in_progress' | 'searching' | 'completed'}` };

/** A web search, with the pages that it found or opened. */
export const web_search_call: HostedCallKind<typeof InputWebSearchCall, WebSearchCall, WebSearchEvent> = {
  ...toldAs<WebSearchCall>(({ action, results }) => {
    const { query, queries, sources, url, pattern } = object(action);
    const asked = texts(queries).length > 0 ? texts(queries) : texts([query]);
    const done = asked.length > 0 ? [`Searched the web for ${quoted(asked)}.`] : [];
    const looked = texts([pattern]).map((text) => `Looked for ${quoted([text])} in ${texts([url])[0] ?? 'a page'}.`);
    const opened = looked.length === 0 ? texts([url]).map((page) => `Opened ${page}.`) : [];
    return orElse([...done, ...looked, ...opened, ...found(sources), ...found(results)], 'Searched the web.');
  }),
  schema: InputWebSearchCall,
  title: 'InputWebSearchCall',
  prefix: 'ws',
  keep: (input, id) => ({ ...input, id }) as WebSearchCall, // as it was sent, whatever is missing
  stream: {
    readWhole: false,
    begin: ({ id }) => beganSearch(id),
    *events({ status }, at) {
      yield { type: 'response.web_search_call.in_progress', ...at };
      yield { type: 'response.web_search_call.searching', ...at };
      // OpenAI has no event of a failure: the status of the item tells.
      if (status !== 'failed') yield { type: 'response.web_search_call.completed', ...at };
    },
    fold: {
      'response.web_search_call.in_progress': unchanged,
      'response.web_search_call.searching': unchanged,
      'response.web_search_call.completed': unchanged,
    },
  },
};

/** A use of the web that has begun: what is done is known when it is done. */
export function beganSearch(id: string): WebSearchCall {
  return { type: 'web_search_call', id, status: 'in_progress' } as WebSearchCall; // OpenAI has no action at the beginning either
}
