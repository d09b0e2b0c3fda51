import * as v from 'valibot';
import type { InputPart, ItemStatus } from '../protocol/content.ts';
import { Caller, CallId, FunctionName, Id, maybe, Status, Text } from '../protocol/fields.ts';
import type { Growing, OfItem } from './event.ts';
import type { AnswerKind, CallKind, DirectCaller } from './kind.ts';
import { TextOrParts, textOrParts } from './text-or-parts.ts';
import { wireName } from './wire-name.ts';

/** A call that the model made earlier, replayed by the client. */
const InputFunctionCall = v.object({
  type: v.literal('function_call'),
  id: Id,
  call_id: CallId,
  name: FunctionName,
  namespace: maybe(FunctionName),
  arguments: Text,
  async: maybe(v.boolean()),
  caller: Caller,
  status: Status,
});

/** The name of the tool that gave an output. */
const ToolName = maybe(v.pipe(v.string(), v.nonEmpty(), v.maxLength(256)));

/** The output of the client's function: a string or parts, and stays so. */
const FunctionCallOutput = v.object({
  type: v.literal('function_call_output'),
  id: Id,
  call_id: CallId,
  output: TextOrParts,
  name: ToolName,
  namespace: ToolName,
  caller: Caller,
  status: Status,
});

/** A call that the model wants the client to make. */
export interface FunctionCall {
  type: 'function_call';
  id: string;
  call_id: string;
  name: string;
  namespace?: string;
  arguments: string;
  /** Whether the model goes on without waiting for the output. */
  async?: boolean;
  caller?: DirectCaller;
  status: ItemStatus;
}

/** A stored function output. */
export interface FunctionOutput {
  type: 'function_call_output';
  id: string;
  call_id: string;
  output: string | InputPart[];
  name?: string;
  namespace?: string;
  caller?: DirectCaller;
  status: ItemStatus;
  /** Whether the function failed, which only another API than the Responses API lets a client say. */
  failed?: boolean;
}

/** The arguments of a call grow, or are whole. */
type FunctionEvent =
  | (OfItem & Growing & { type: 'response.function_call_arguments.delta' })
  | (OfItem & { type: 'response.function_call_arguments.done'; name: string; arguments: string });

/** A call of a function, which the client runs. */
export const function_call: CallKind<typeof InputFunctionCall, FunctionCall, FunctionEvent> = {
  role: 'call',
  schema: InputFunctionCall,
  title: 'InputFunctionCall',
  prefix: 'fc',
  keep: (input, id) => ({ ...input, id, status: input.status ?? 'completed' }),
  asCall: (item) => ({ id: item.call_id, name: wireName(item.name, item.namespace), arguments: item.arguments }),
  stream: {
    readWhole: false,
    begin: (item) => ({ ...item, status: 'in_progress', arguments: '' }),
    *events({ name, arguments: args }, at) {
      if (args) yield { type: 'response.function_call_arguments.delta', ...at, delta: args };
      yield { type: 'response.function_call_arguments.done', ...at, name, arguments: args };
    },
    fold: {
      'response.function_call_arguments.delta': (item, { delta }) => ({ ...item, arguments: item.arguments + delta }),
      'response.function_call_arguments.done': (item, event) => ({ ...item, arguments: event.arguments }),
    },
  },
};

/** A function's output. It may answer a call of any other client tool as well. */
export const function_call_output: AnswerKind<typeof FunctionCallOutput, FunctionOutput> = {
  role: 'answer',
  schema: FunctionCallOutput,
  title: 'FunctionCallOutput',
  prefix: 'fco',
  ...textOrParts,
  asAnswer: (item) => ({ ...textOrParts.asAnswer(item), failed: item.failed === true }),
  asInput: ({ id: _id, failed: _failed, ...item }) => item,
};
