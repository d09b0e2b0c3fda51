import * as v from 'valibot';
import type { InputPart, ItemStatus } from '../protocol/content.ts';
import { Caller, CallId, FunctionName, Id, maybe, Status, Text } from '../protocol/fields.ts';
import type { Growing, OfItem } from './event.ts';
import { type AnswerKind, type CallKind, callWith, type DirectCaller } from './kind.ts';
import { TextOrParts, textOrParts } from './text-or-parts.ts';
import { wireName } from './wire-name.ts';

/** A call of a tool whose input is free text. */
const InputCustomCall = v.object({
  type: v.literal('custom_tool_call'),
  id: Id,
  call_id: CallId,
  name: FunctionName,
  namespace: maybe(FunctionName),
  input: Text,
  async: maybe(v.boolean()),
  caller: Caller,
  status: Status,
});

/** The output of the client's custom tool. */
const CustomOutput = v.object({
  type: v.literal('custom_tool_call_output'),
  id: Id,
  call_id: CallId,
  output: TextOrParts,
  caller: Caller,
  status: Status,
});

/** A call of a custom tool, as it is kept. */
export interface CustomToolCall {
  type: 'custom_tool_call';
  id: string;
  call_id: string;
  name: string;
  namespace?: string;
  input: string;
  async?: boolean;
  caller?: DirectCaller;
  status: ItemStatus;
}

/** A stored output of a custom tool. */
export interface CustomToolOutput {
  type: 'custom_tool_call_output';
  id: string;
  call_id: string;
  output: string | InputPart[];
  caller?: DirectCaller;
  status: ItemStatus;
}

/** The input of a call grows, or is whole. */
type CustomEvent =
  | (OfItem & Growing & { type: 'response.custom_tool_call_input.delta' })
  | (OfItem & { type: 'response.custom_tool_call_input.done'; input: string });

/** A call of a tool whose input is free text, which the client runs. */
export const custom_tool_call: CallKind<typeof InputCustomCall, CustomToolCall, CustomEvent> = {
  role: 'call',
  schema: InputCustomCall,
  title: 'InputCustomCall',
  prefix: 'ctc',
  keep: (input, id) => ({ ...input, id, status: input.status ?? 'completed' }),
  asCall: ({ call_id, name, namespace, input }) => callWith(call_id, wireName(name, namespace), { input }),
  stream: {
    readWhole: true,
    begin: (item) => ({ ...item, status: 'in_progress', input: '' }),
    *events({ input }, at) {
      if (input) yield { type: 'response.custom_tool_call_input.delta', ...at, delta: input };
      yield { type: 'response.custom_tool_call_input.done', ...at, input };
    },
    fold: {
      'response.custom_tool_call_input.delta': (item, { delta }) => ({ ...item, input: item.input + delta }),
      'response.custom_tool_call_input.done': (item, { input }) => ({ ...item, input }),
    },
  },
};

/** The output of a custom tool. */
export const custom_tool_call_output: AnswerKind<typeof CustomOutput, CustomToolOutput> = {
  role: 'answer',
  schema: CustomOutput,
  title: 'CustomOutput',
  prefix: 'ctco',
  ...textOrParts,
};
