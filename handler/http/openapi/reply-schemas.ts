import { chargeKinds } from '../../charge.ts';
import type { ErrorBody } from '../../errors.ts';
import { eventTypes } from '../../events/event-types.ts';
import type { MessageUsage, SaidMessage } from '../../neighbours/messages/events.ts';
import type { CompactedResponse } from '../../protocol/compact.ts';
import type { Conversation } from '../../protocol/conversation.ts';
import type { InputTokens } from '../../protocol/count-request.ts';
import type { ConversationList, ItemList, ResponseList } from '../../protocol/list.ts';
import type { Response } from '../../protocol/response.ts';
import type { UsageBucket, UsagePage, UsageResult } from '../../protocol/usage.ts';
import { forwardedReplies } from './forwarded-replies.ts';
import type { JsonSchema } from './json-schema.ts';

/** The names that JSON Schema has for the types of T. */
type NameOf<T> = T extends string
  ? 'string'
  : T extends number
    ? 'number' | 'integer'
    : T extends boolean
      ? 'boolean'
      : T extends null
        ? 'null'
        : T extends readonly unknown[]
          ? 'array'
          : 'object';

/** A schema for each member of T. A missing member, or a type it cannot have, does not compile. */
type Members<T> = {
  [Name in keyof T]-?: JsonSchema & {
    type: NameOf<Exclude<T[Name], undefined>> | readonly NameOf<Exclude<T[Name], undefined>>[];
  };
};

const item = { type: 'object', required: ['type'], properties: { type: { type: 'string' } } };
const text = { type: 'string' } as const;
const textOrNull = { type: ['string', 'null'] } as const;
const time = { type: 'integer', description: 'seconds since 1970' } as const;
const countOrNull = { type: ['integer', 'null'] } as const;
const objectOrNull = { type: ['object', 'null'] } as const;
const metadata = { type: 'object', additionalProperties: { type: 'string' } } as const;

const response: Members<Response> = {
  id: text,
  object: { type: 'string', const: 'response' },
  access_programs: { type: 'null' },
  created_at: time,
  completed_at: countOrNull,
  status: { type: 'string', enum: ['queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled'] },
  error: { ...objectOrNull, properties: { code: text, message: text } },
  frequency_penalty: { type: 'number' },
  incomplete_details: { ...objectOrNull, properties: { reason: text } },
  background: { type: 'boolean' },
  conversation: { ...objectOrNull, properties: { id: text } },
  instructions: textOrNull,
  max_output_tokens: countOrNull,
  max_tool_calls: countOrNull,
  metadata,
  model: text,
  moderation: { type: 'null' },
  output: { type: 'array', items: item, description: 'the items that the model and the tools made, in their order' },
  parallel_tool_calls: { type: 'boolean' },
  presence_penalty: { type: 'number' },
  previous_response_id: textOrNull,
  prompt: objectOrNull,
  prompt_cache_key: textOrNull,
  prompt_cache_retention: textOrNull,
  reasoning: { type: 'object', properties: { effort: textOrNull, summary: textOrNull, context: text } },
  safety_identifier: textOrNull,
  service_tier: text,
  store: { type: 'boolean' },
  temperature: { type: ['number', 'null'] },
  text: { type: 'object', properties: { format: item, verbosity: text } },
  tool_choice: { type: ['string', 'object'] },
  tools: { type: 'array', items: item },
  top_logprobs: { type: 'integer' },
  top_p: { type: ['number', 'null'] },
  truncation: text,
  usage: { ...objectOrNull, description: 'tokens of the whole turn; null where the model counts none' },
  prompt_cache_options: { type: 'object', properties: { mode: text, ttl: text, comparison_response_id: text } },
  user: text,
};
const conversation: Members<Conversation> = {
  id: text,
  object: { type: 'string', const: 'conversation' },
  created_at: time,
  metadata,
};
const list: Members<ItemList> = {
  object: { type: 'string', const: 'list' },
  data: { type: 'array', items: item },
  first_id: textOrNull,
  last_id: textOrNull,
  has_more: { type: 'boolean' },
};
const maker = { id: text, made_by: textOrNull, request_id: textOrNull } as const;
const listed = (what: string) =>
  ({
    ...list,
    data: {
      type: 'array',
      items: { type: 'object', required: Object.keys(maker), properties: maker },
      description: what,
    },
  }) as const;
const responseList: Members<ResponseList> = listed('responses as `GET /v1/responses/{id}` has them, and who made them');
const conversationList: Members<ConversationList> = listed('conversations, and who made them');
const inputTokens: Members<InputTokens> = {
  object: { type: 'string', const: 'response.input_tokens' },
  input_tokens: { type: 'integer' },
};
const compacted: Members<CompactedResponse> = {
  id: text,
  object: { type: 'string', const: 'response.compaction' },
  created_at: time,
  output: { type: 'array', items: item, description: 'what the user said, then the item that stands for all of it' },
  usage: { type: 'object' },
};
const count = { type: 'integer' } as const;
const usageResult: Members<UsageResult> = {
  object: { type: 'string', const: 'usage.result' },
  user: textOrNull,
  project: textOrNull,
  key: textOrNull,
  model: textOrNull,
  kind: { type: ['string', 'null'], enum: [...chargeKinds, null] },
  requests: count,
  input_tokens: count,
  cached_input_tokens: count,
  cached_write_input_tokens: count,
  output_tokens: count,
  reasoning_tokens: count,
  total_tokens: count,
  costs: { type: 'object', additionalProperties: count },
};
const usageBucket: Members<UsageBucket> = {
  object: { type: 'string', const: 'bucket' },
  start_time: time,
  end_time: time,
  results: { type: 'array', items: object(usageResult) },
};
const usagePage: Members<UsagePage> = {
  object: { type: 'string', const: 'page' },
  data: { type: 'array', items: object(usageBucket) },
  last_id: textOrNull,
  has_more: { type: 'boolean' },
};
const knownOfModel = {
  context_window: count,
  input_modalities: { type: 'array', items: text },
  servers: { type: 'object', additionalProperties: count },
};
const model = { id: text, object: text, created: time, owned_by: text, ...knownOfModel };
const error: Members<ErrorBody['error']> = {
  message: text,
  type: text,
  param: { ...textOrNull, description: 'the field of the request that is wrong' },
  code: { type: ['integer', 'string', 'null'] },
};

const messageUsage: Members<MessageUsage> = {
  input_tokens: { ...count, description: 'those that no cache had' },
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  output_tokens: count,
  output_tokens_details: objectOrNull,
  server_tool_use: objectOrNull,
};
const message: Members<SaidMessage> = {
  id: text,
  type: { type: 'string', const: 'message' },
  role: { type: 'string', const: 'assistant' },
  model: text,
  content: { type: 'array', items: item, description: 'blocks: text, thinking, and calls of tools' },
  stop_reason: textOrNull,
  stop_sequence: textOrNull,
  stop_details: objectOrNull,
  container: { type: 'null' },
  usage: object(messageUsage),
  diagnostics: { type: 'null' },
};

function object(properties: object, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required } as const;
}

/** The schemas of what the server answers, by their names in the document; checked against the types. */
export const replySchemas: Record<string, JsonSchema> = {
  Response: object(response, ['prompt_cache_options', 'user']),
  ResponseEvent: object({ type: { type: 'string', enum: eventTypes }, sequence_number: { type: 'integer' } }),
  InputTokens: object(inputTokens),
  CompactedResponse: object(compacted),
  Conversation: object(conversation),
  Item: item,
  ItemList: object(list),
  ResponseList: object(responseList),
  ConversationList: object(conversationList),
  UsagePage: object(usagePage),
  Deleted: object({ id: text, object: text, deleted: { type: 'boolean' } }),
  Model: object(model, Object.keys(knownOfModel)),
  ModelList: object(
    {
      object: text,
      data: { type: 'array', items: object(model, Object.keys(knownOfModel)) },
      models: { type: 'array', items: { type: 'object', required: ['slug'], properties: { slug: text } } },
    },
    ['models'],
  ),
  Message: object(message),
  MessageEvent: item,
  MessageTokens: object({ input_tokens: count }),
  MessagesError: object({
    type: { type: 'string', const: 'error' },
    error: object({ type: text, message: text }),
    request_id: text,
  }),
  ...forwardedReplies,
  Health: object({ status: text }),
  Readiness: object({ status: text, reasons: { type: 'array', items: text }, notes: { type: 'array', items: text } }, [
    'reasons',
    'notes',
  ]),
  Error: object({ error: object(error) }),
};
