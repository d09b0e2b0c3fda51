import * as v from 'valibot';
import type { ItemStatus } from '../protocol/content.ts';
import { AnyObject, CallId, Id, maybe, Status } from '../protocol/fields.ts';
import type { JsonObject } from '../protocol/json.ts';
import { ItemTool } from '../protocol/tools.ts';
import { type AnswerKind, callWith, type FixedCallKind } from './kind.ts';
import { noMedia } from './media.ts';
import { plainStream, type Stream } from './stream.ts';

const Execution = v.nullish(v.picklist(['client', 'server']), 'client');

/** A search for tools that the client makes. */
const InputToolSearchCall = v.object({
  type: v.literal('tool_search_call'),
  id: Id,
  call_id: maybe(CallId),
  execution: Execution,
  arguments: AnyObject,
  status: Status,
});

/** The tools that the client found; the model may use them from then on. */
const ToolSearchOutput = v.object({
  type: v.literal('tool_search_output'),
  id: Id,
  call_id: maybe(CallId),
  execution: Execution,
  tools: v.array(ItemTool),
  status: Status,
});

/** A search for tools, as it is kept. */
export interface ToolSearchCall {
  type: 'tool_search_call';
  id: string;
  call_id: string | null;
  execution: 'client' | 'server';
  arguments: JsonObject;
  status: ItemStatus;
}

/** The tools that a search found, as they are kept. */
export interface ToolSearchResult {
  type: 'tool_search_output';
  id: string;
  call_id: string | null;
  execution: 'client' | 'server';
  tools: { type: string; [key: string]: unknown }[];
  status: ItemStatus;
}

/** The function that stands for a search, and the id of a call that has none. */
const NAME = 'tool_search';

/** A search for tools, which the client makes, or this server. */
export const tool_search_call: FixedCallKind<typeof InputToolSearchCall, ToolSearchCall> = {
  role: 'call',
  schema: InputToolSearchCall,
  title: 'InputToolSearchCall',
  prefix: 'tsc',
  keep: (input, id) => ({ ...input, id, call_id: input.call_id ?? null, status: input.status ?? 'completed' }),
  asCall: (item) => callWith(item.call_id ?? NAME, NAME, item.arguments),
  fromArguments: (args) => ({ arguments: args }),
  stream: plainStream,
};

/** The tools a search found, which the model may call from then on. */
export const tool_search_output: AnswerKind<typeof ToolSearchOutput, ToolSearchResult> & {
  stream: Stream<ToolSearchResult>;
} = {
  role: 'answer',
  schema: ToolSearchOutput,
  title: 'ToolSearchOutput',
  prefix: 'tso',
  keep: (input, id) => ({ ...input, id, call_id: input.call_id ?? null, status: input.status ?? 'completed' }),
  asAnswer({ call_id, tools }) {
    const names = tools.map((tool) => String('name' in tool ? tool.name : tool.type));
    return { id: call_id ?? NAME, output: `Found: ${names.join(', ') || 'nothing'}`, failed: false };
  },
  media: noMedia,
  stream: { ...plainStream, readWhole: false }, // what a model's server has found it searches itself
};
