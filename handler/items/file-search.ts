import * as v from 'valibot';
import { AnyObject, Id, maybe, Text } from '../protocol/fields.ts';
import type { OfItem } from './event.ts';
import { type FunctionRun, functionRun, toldAs, withNulls } from './hosted-kind.ts';
import type { HostedCallKind } from './kind.ts';
import { unchanged } from './stream.ts';
import { found, quoted, texts } from './telling.ts';

const InputFileSearchCall = v.object({
  type: v.literal('file_search_call'),
  id: Id,
  queries: maybe(v.array(Text)),
  results: maybe(v.array(AnyObject)),
  status: maybe(v.string()),
  function: functionRun,
});

/** A search in files. */
export interface FileSearchCall {
  type: 'file_search_call';
  id: string;
  queries: string[];
  /** What was found, where a request includes it. */
  results?: FoundFile[] | null;
  status: 'in_progress' | 'searching' | 'completed' | 'incomplete' | 'failed';
  /** What the model wrote and read, where this server ran the call. */
  function?: FunctionRun;
}

/** A piece of a file that was found. */
export type FoundFile = {
  file_id?: string;
  filename?: string;
  score?: number;
  text?: string;
  attributes?: Record<string, string | number | boolean> | null;
};

/** How far a search in files has come. */
type FileSearchEvent = OfItem & { type: `response.file_search_call.${'in_progress' | 'searching' | 'completed'}` };

/** A search in files, with what it found in them. */
export const file_search_call: HostedCallKind<typeof InputFileSearchCall, FileSearchCall, FileSearchEvent> = {
  ...toldAs<FileSearchCall>(({ queries, results }) => [
    texts(queries).length > 0 ? `Searched files for ${quoted(texts(queries))}.` : 'Searched files.',
    ...found(results),
  ]),
  schema: InputFileSearchCall,
  title: 'InputFileSearchCall',
  prefix: 'fs',
  keep: (input, id) => withNulls({ ...input, id } as FileSearchCall, { results: null }), // as it was sent, whatever is missing
  stream: {
    readWhole: false,
    begin: ({ type, id }) => ({ type, id, status: 'in_progress', queries: [], results: null }),
    *events({ status }, at) {
      yield { type: 'response.file_search_call.in_progress', ...at };
      yield { type: 'response.file_search_call.searching', ...at };
      if (status !== 'failed') yield { type: 'response.file_search_call.completed', ...at };
    },
    fold: {
      'response.file_search_call.in_progress': unchanged,
      'response.file_search_call.searching': unchanged,
      'response.file_search_call.completed': unchanged,
    },
  },
};
