import * as v from 'valibot';
import { AnyObject, CallId, FunctionName, maybe, notSupported, options, Text } from '../../protocol/fields.ts';
import { ReasoningEffort } from '../../protocol/reasoning.ts';
import { ServiceTier } from '../../protocol/request.ts';

/** The most stop sequences, as OpenAI has it, and the longest, in characters. */
const MAX_STOPS = 4;
const MAX_STOP = 1_024;

const MAX_URL = 20_971_520;
const MAX_FILE = 33_554_432;

const TextPart = v.object({ type: v.literal('text'), text: Text });
const ImagePart = v.object({
  type: v.literal('image_url'),
  image_url: v.object({
    url: v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_URL)),
    detail: maybe(v.picklist(['auto', 'low', 'high'])),
  }),
});
const FilePart = v.object({
  type: v.literal('file'),
  file: v.object({
    file_id: notSupported('send the data in place of a file id'),
    file_data: v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_FILE)),
    filename: maybe(v.pipe(v.string(), v.maxLength(512))),
  }),
});
const RefusalPart = v.object({ type: v.literal('refusal'), refusal: Text });
const textOr = <P extends v.GenericSchema>(part: P) =>
  v.lazy((value) => (typeof value === 'string' ? Text : v.array(part)));

const Call = v.object({
  id: CallId,
  type: v.literal('function'),
  function: v.object({ name: FunctionName, arguments: Text }),
});

/** A message of a chat. */
export const ChatTurn = v.variant('role', [
  v.object({ role: v.picklist(['system', 'developer']), content: textOr(TextPart) }),
  v.object({ role: v.literal('user'), content: textOr(v.variant('type', [TextPart, ImagePart, FilePart])) }),
  v.object({
    role: v.literal('assistant'),
    content: v.lazy((value) =>
      value == null || typeof value === 'string' ? maybe(Text) : v.array(v.variant('type', [TextPart, RefusalPart])),
    ),
    refusal: maybe(Text),
    tool_calls: maybe(v.array(Call)),
    reasoning_content: maybe(Text),
    audio: notSupported('no model here speaks'),
    function_call: notSupported('tool_calls stands in its place'),
  }),
  v.object({ role: v.literal('tool'), tool_call_id: CallId, content: textOr(TextPart) }),
]);
export type ChatTurn = v.InferOutput<typeof ChatTurn>;

/** A function that the client runs. */
const ChatTool = v.object({
  type: v.literal('function'),
  function: v.object({
    name: FunctionName,
    description: maybe(v.string()),
    parameters: maybe(AnyObject),
    strict: maybe(v.boolean()),
  }),
});

const NamedChoice = v.object({ type: v.literal('function'), function: v.object({ name: FunctionName }) });

const Format = v.variant('type', [
  v.object({ type: v.literal('text') }),
  v.object({ type: v.literal('json_object') }),
  v.object({
    type: v.literal('json_schema'),
    json_schema: v.object({
      name: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]{1,64}$/)),
      schema: AnyObject,
      description: maybe(v.string()),
      strict: maybe(v.boolean()),
    }),
  }),
]);

const Stop = v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_STOP));
const Tokens = maybe(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(Number.MAX_SAFE_INTEGER)));
const Penalty = maybe(v.pipe(v.number(), v.minValue(-2), v.maxValue(2)));

/** The body of a chat completion that is translated: for a model whose server speaks another protocol. */
export const TranslatedChat = v.object({
  model: v.pipe(v.string(), v.nonEmpty(), v.maxLength(256)),
  messages: v.pipe(v.array(ChatTurn), v.nonEmpty()),
  stream: maybe(v.boolean()),
  stream_options: maybe(options({ include_usage: maybe(v.boolean()), include_obfuscation: maybe(v.boolean()) })),
  max_tokens: Tokens,
  max_completion_tokens: Tokens,
  temperature: maybe(v.pipe(v.number(), v.minValue(0), v.maxValue(2))),
  top_p: maybe(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  presence_penalty: Penalty,
  frequency_penalty: Penalty,
  stop: maybe(v.lazy((value) => (typeof value === 'string' ? Stop : v.pipe(v.array(Stop), v.maxLength(MAX_STOPS))))),
  n: maybe(v.literal(1)),
  tools: maybe(v.array(ChatTool)),
  tool_choice: maybe(
    v.lazy((value) => (typeof value === 'string' ? v.picklist(['none', 'auto', 'required']) : NamedChoice)),
  ),
  parallel_tool_calls: maybe(v.boolean()),
  response_format: maybe(Format),
  reasoning_effort: maybe(ReasoningEffort),
  verbosity: maybe(v.picklist(['low', 'medium', 'high'])),
  user: maybe(v.pipe(v.string(), v.maxLength(512))),
  safety_identifier: maybe(v.pipe(v.string(), v.maxLength(128))),
  prompt_cache_key: maybe(v.pipe(v.string(), v.maxLength(1024))),
  prompt_cache_retention: maybe(v.picklist(['in_memory', '24h'])),
  service_tier: maybe(ServiceTier),
  store: maybe(v.literal(false)),
  logprobs: maybe(v.literal(false)),
  top_logprobs: notSupported('servers of another protocol have no log probabilities for a chat'),
  seed: notSupported('servers of another protocol have nothing in its place'),
  logit_bias: notSupported('servers of another protocol have nothing in its place'),
  functions: notSupported('tools stands in its place'),
  function_call: notSupported('tool_choice stands in its place'),
  audio: notSupported('no model here speaks'),
  modalities: maybe(v.array(v.literal('text'))),
  prediction: notSupported('servers of another protocol have nothing in its place'),
  web_search_options: notSupported('nothing searches the web here'),
  moderation: notSupported('nothing is moderated here'),
});
export type TranslatedChat = v.InferOutput<typeof TranslatedChat>;
