import * as v from 'valibot';
import {
  AnyObject,
  InputImage,
  type InputPart,
  InputText,
  type ItemStatus,
  maybe,
  type OutputText,
  type ReasoningText,
  type Refusal,
  ReplayedRefusal,
  ReplayedText,
  type SummaryText,
  Text,
} from './content.ts';
import { isObject } from './json.ts';

/** The longest id, call id or argument text that is taken from a client, in characters; the call id's is OpenResponses'. */
const MAX_ID = 256;
const MAX_CALL_ID = 64;

/** Without what a database may not take in a key: control characters, and halves of surrogate pairs. */
const Id = maybe(
  v.pipe(
    v.string(),
    v.maxLength(MAX_ID),
    v.check((id) => !/[\p{Cc}\p{Cs}]/u.test(id)),
  ),
);
const Status = maybe(v.picklist(['in_progress', 'completed', 'incomplete']));
const CallId = v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_CALL_ID));

/** The name of a function, as OpenAI restricts it. */
export const FunctionName = v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]{1,64}$/));

const MessagePart = v.variant('type', [InputText, InputImage, ReplayedText, ReplayedRefusal]);
const MessageParts = v.array(MessagePart);
const OutputParts = v.array(v.variant('type', [InputText, InputImage]));

/** A message in the input: easy ones without `type`, typed ones, and the model's own, replayed. */
export const InputMessage = v.object({
  type: v.nullish(v.literal('message'), 'message'),
  id: Id,
  role: v.picklist(['user', 'assistant', 'system', 'developer']),
  content: v.lazy((value) => (typeof value === 'string' ? Text : MessageParts)),
  status: Status,
  phase: maybe(v.picklist(['commentary', 'final_answer'])),
});
export type InputMessage = v.InferOutput<typeof InputMessage>;

/** A call that the model made earlier, replayed by the client. */
export const InputFunctionCall = v.object({
  type: v.literal('function_call'),
  id: Id,
  call_id: CallId,
  name: FunctionName,
  arguments: Text,
  status: Status,
});
export type InputFunctionCall = v.InferOutput<typeof InputFunctionCall>;

/** What the client's function returned: a string, which stays one, or parts. */
export const FunctionCallOutput = v.object({
  type: v.literal('function_call_output'),
  id: Id,
  call_id: CallId,
  output: v.lazy((value) => (typeof value === 'string' ? Text : OutputParts)),
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
  name: v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_ID)),
  arguments: Text,
  output: maybe(Text),
  error: maybe(AnyObject),
  status: maybe(v.picklist(['in_progress', 'completed', 'incomplete', 'calling', 'failed'])),
});
export type InputMcpCall = v.InferOutput<typeof InputMcpCall>;

const TypedItem = v.variant('type', [
  InputMessage,
  InputFunctionCall,
  FunctionCallOutput,
  InputReasoning,
  InputMcpCall,
]);

/** One item of `input`; an object without a `type` is an easy message. */
export const InputItem = v.lazy((value) => (isObject(value) && value.type == null ? InputMessage : TypedItem));
export type InputItem = v.InferOutput<typeof InputItem>;

/** A message as it is kept: with an id, and its content as parts. */
export interface Message {
  type: 'message';
  id: string;
  role: InputMessage['role'];
  status: ItemStatus;
  content: (InputText | InputImage | OutputText | Refusal)[];
  phase?: 'commentary' | 'final_answer';
}

/** What the client's function returned, as it is kept. */
export interface CallOutput {
  type: 'function_call_output';
  id: string;
  call_id: string;
  output: string | InputPart[];
  status: ItemStatus;
}

/** The model's message. */
export interface OutputMessage {
  type: 'message';
  id: string;
  role: 'assistant';
  status: ItemStatus;
  content: (OutputText | Refusal)[];
}

/** A call that the model wants the client to make. */
export interface FunctionCall {
  type: 'function_call';
  id: string;
  call_id: string;
  name: string;
  arguments: string;
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
  status: ItemStatus | 'calling' | 'failed';
}

/** One item of a response's `output`. */
export type OutputItem = OutputMessage | FunctionCall | Reasoning | McpCall;

/** An item as it is kept and listed: whatever a client or the model said, with its id. */
export type Item = Message | CallOutput | OutputItem;
