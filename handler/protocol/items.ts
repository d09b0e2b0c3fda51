import * as v from 'valibot';
import { type ClientCall, type ClientOutput, clientItems } from './client-calls.ts';
import {
  InputFile,
  InputImage,
  type InputPart,
  InputParts,
  InputText,
  type ItemStatus,
  type OutputText,
  type ReasoningText,
  type Refusal,
  ReplayedRefusal,
  ReplayedText,
  type SummaryText,
} from './content.ts';
import { AnyObject, Caller, CallId, FunctionName, Id, maybe, options, Status, Text } from './fields.ts';
import { isObject } from './json.ts';
import { ReasoningEffort } from './reasoning.ts';
import { ItemTool, TextFormat } from './tools.ts';

const MessagePart = v.variant('type', [InputText, InputImage, InputFile, ReplayedText, ReplayedRefusal]);
const MessageParts = v.array(MessagePart);

/** What a message is in its turn: said on the way, or the answer. */
export const Phase = v.picklist(['commentary', 'final_answer']);
export type Phase = v.InferOutput<typeof Phase>;

/** A message in the input: easy ones without `type`, typed ones, and the model's own, replayed. */
export const InputMessage = v.object({
  type: v.nullish(v.literal('message'), 'message'),
  id: Id,
  role: v.picklist(['user', 'assistant', 'system', 'developer']),
  content: v.lazy((value) => (typeof value === 'string' ? Text : MessageParts)),
  status: Status,
  phase: maybe(Phase),
});
export type InputMessage = v.InferOutput<typeof InputMessage>;

/** A call that the model made earlier, replayed by the client. */
export const InputFunctionCall = v.object({
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
export type InputFunctionCall = v.InferOutput<typeof InputFunctionCall>;

/** The name of whatever tool gave an output. */
const ToolName = maybe(v.pipe(v.string(), v.nonEmpty(), v.maxLength(256)));

/** What the client's function returned: a string, which stays one, or parts. */
export const FunctionCallOutput = v.object({
  type: v.literal('function_call_output'),
  id: Id,
  call_id: CallId,
  output: v.lazy((value) => (typeof value === 'string' ? Text : InputParts)),
  name: ToolName,
  namespace: ToolName,
  caller: Caller,
  status: Status,
});
export type FunctionCallOutput = v.InferOutput<typeof FunctionCallOutput>;

/** Reasoning of an earlier turn, replayed; one without content is a no-op. */
export const InputReasoning = v.object({
  type: v.literal('reasoning'),
  id: Id,
  summary: maybe(v.array(v.object({ type: v.literal('summary_text'), text: Text }))),
  content: maybe(v.array(v.object({ type: v.literal('reasoning_text'), text: Text }))),
  encrypted_content: maybe(v.string()),
  status: Status,
});
export type InputReasoning = v.InferOutput<typeof InputReasoning>;

/** A call that a server-side tool ran in an earlier turn, replayed by the client. */
export const InputMcpCall = v.object({
  type: v.literal('mcp_call'),
  id: Id,
  server_label: v.string(),
  name: v.pipe(v.string(), v.nonEmpty(), v.maxLength(256)),
  arguments: Text,
  output: maybe(Text),
  error: maybe(AnyObject),
  approval_request_id: maybe(v.string()),
  status: maybe(v.picklist(['in_progress', 'completed', 'incomplete', 'calling', 'failed'])),
});
export type InputMcpCall = v.InferOutput<typeof InputMcpCall>;

/** Tools that the model may use from here on. */
export const AdditionalTools = v.object({
  type: v.literal('additional_tools'),
  id: Id,
  role: v.nullish(v.picklist(['user', 'system', 'developer']), 'developer'),
  tools: v.array(ItemTool),
});

/** Settings that hold from here on. */
export const ConfigurationUpdate = v.object({
  type: v.literal('configuration_update'),
  id: Id,
  reasoning: maybe(options({ effort: maybe(ReasoningEffort) })),
  text: maybe(v.object({ format: TextFormat })),
});

/** What stands for all that was said before it, sealed: by this deployment, or by a model's server. */
export const InputCompaction = v.object({
  type: v.literal('compaction'),
  id: Id,
  encrypted_content: v.pipe(v.string(), v.nonEmpty()),
});

/** A conversation summed up, as it is sealed: in words, and what system and developer messages said in it. */
export const SealedSummary = v.object({
  text: Text,
  instructions: v.array(v.object({ role: v.picklist(['system', 'developer']), content: MessageParts })),
});

/** The wish, last in an input, that what was said be compacted, and nothing else. */
export const CompactionTrigger = v.object({ type: v.literal('compaction_trigger'), id: Id });

/** An item that is stored, by its id. */
export const ItemReference = v.object({ type: v.literal('item_reference'), id: v.pipe(v.string(), v.nonEmpty()) });
export type ItemReference = v.InferOutput<typeof ItemReference>;

const TypedItem = v.variant('type', [
  InputMessage,
  InputFunctionCall,
  FunctionCallOutput,
  InputReasoning,
  InputMcpCall,
  ...clientItems,
  AdditionalTools,
  ConfigurationUpdate,
  InputCompaction,
  CompactionTrigger,
  ItemReference,
]);

/** One item of `input`; an object without a `type` is an easy message, or with nothing but an id a reference. */
export const InputItem = v.lazy((value) => {
  if (!isObject(value) || value.type != null) return TypedItem;
  return value.role === undefined && value.id !== undefined ? BareReference : InputMessage;
});
const BareReference = v.object({
  ...ItemReference.entries,
  type: v.nullish(v.literal('item_reference'), 'item_reference'),
});
export type InputItem = v.InferOutput<typeof TypedItem>;

/** A message as it is kept: with an id, and its content as parts. */
export interface Message {
  type: 'message';
  id: string;
  role: InputMessage['role'];
  status: ItemStatus;
  content: (InputPart | OutputText | Refusal)[];
  phase?: Phase;
}

/** What the client's function returned, as it is kept. */
export interface CallOutput {
  type: 'function_call_output';
  id: string;
  call_id: string;
  output: string | InputPart[];
  name?: string;
  namespace?: string;
  caller?: { type: 'direct' };
  status: ItemStatus;
}

/** The model's message. */
export interface OutputMessage {
  type: 'message';
  id: string;
  role: 'assistant';
  status: ItemStatus;
  content: (OutputText | Refusal)[];
  phase?: Phase;
}

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
  caller?: { type: 'direct' };
  status: ItemStatus;
}

/** The model's reasoning, where the backend shows it. */
export interface Reasoning {
  type: 'reasoning';
  id: string;
  summary: SummaryText[];
  content: ReasoningText[];
  encrypted_content?: string | null;
  status: ItemStatus;
}

/** What stands for all that was said before it; it has no status, and no content until it is whole. */
export interface Compaction {
  type: 'compaction';
  id: string;
  encrypted_content: string;
}

/** Why a server-side tool's call failed. */
export type McpError =
  | { type: 'mcp_tool_execution_error'; content: unknown }
  | { type: 'mcp_protocol_error' | 'http_error'; code: number; message: string };

/** A call that a server-side tool ran, as the client sees it. */
export interface McpCall {
  type: 'mcp_call';
  id: string;
  server_label: string;
  name: string;
  arguments: string;
  output: string | null;
  error: McpError | null;
  approval_request_id?: string;
  status: ItemStatus | 'calling' | 'failed';
}

/** One item of a response's `output`. */
export type OutputItem = OutputMessage | FunctionCall | Reasoning | McpCall | ClientCall | ToolsFound | Compaction;

/** What a search for tools has found that the server made. */
type ToolsFound = Extract<ClientOutput, { type: 'tool_search_output' }>;

/** What an item may say of a turn beyond what was said. */
export type Directive =
  | { type: 'additional_tools'; id: string; role: 'user' | 'system' | 'developer'; tools: { type: string }[] }
  | {
      type: 'configuration_update';
      id: string;
      reasoning?: { effort?: ReasoningEffort | null };
      text?: { format: TextFormat };
    };

/** An item as it is kept and listed: whatever a client or the model said, with its id. */
export type Item = Message | CallOutput | OutputItem | ClientOutput | Directive;
