import * as v from 'valibot';
import { InputItem } from '../items/input.ts';
import { InputFile, InputImage, InputText } from './content.ts';
import { AnyObject, maybe, OwnNames, options, Text } from './fields.ts';
import { ReasoningEffort } from './reasoning.ts';
import { AnyTool, TextFormat, ToolChoice } from './tools.ts';

/** A client's own notes on an object; the bounds are OpenAI's. */
export const Metadata = v.pipe(
  AnyObject,
  OwnNames,
  v.record(v.pipe(v.string(), v.maxLength(64)), v.pipe(v.string(), v.maxLength(512))),
  v.maxEntries(16),
);

/** The value of a prompt's variable. */
const PromptVariable = v.lazy((value) =>
  typeof value === 'string' ? Text : v.variant('type', [InputText, InputImage, InputFile]),
);

/** What servers that keep the beginnings of requests are to keep, and for how long. */
const PromptCacheOptions = options({
  mode: maybe(v.picklist(['implicit', 'explicit'])),
  ttl: maybe(v.picklist(['30m', '12h'])),
  comparison_response_id: maybe(v.string()),
  prewarm: maybe(v.boolean()),
});

/** The bounds are those of Chat Completions. */
const Penalty = v.pipe(v.number(), v.minValue(-2), v.maxValue(2));

/** How urgently a turn is to be served. */
export const ServiceTier = v.picklist(['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast']);

/** What a response can be asked to hold beyond what it always does. */
export const Include = v.array(
  v.picklist([
    'file_search_call.results',
    'web_search_call.results',
    'web_search_call.action.sources',
    'message.input_image.image_url',
    'computer_call_output.output.image_url',
    'code_interpreter_call.outputs',
    'reasoning.encrypted_content',
    'message.output_text.logprobs',
  ]),
);

/**
 * The body of `POST /v1/responses`. Null means "not given" throughout; unknown members are dropped, since real
 * clients send fields that no schema lists. Tools are checked by type where the server's own tools are known.
 */
export const CreateRequest = v.object({
  /** May be missing where a prompt names one. */
  model: maybe(v.pipe(v.string(), v.nonEmpty(), v.maxLength(256))),
  /** May be missing where there is something to go on from. */
  input: maybe(v.lazy((value) => (typeof value === 'string' ? Text : InputItems))),
  instructions: maybe(Text),
  tools: maybe(v.array(AnyTool)),
  tool_choice: maybe(ToolChoice),
  parallel_tool_calls: maybe(v.boolean()),
  temperature: maybe(v.pipe(v.number(), v.minValue(0), v.maxValue(2))),
  top_p: maybe(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  presence_penalty: maybe(Penalty),
  frequency_penalty: maybe(Penalty),
  max_output_tokens: maybe(v.pipe(v.number(), v.integer(), v.minValue(16), v.maxValue(Number.MAX_SAFE_INTEGER))),
  text: maybe(options({ format: maybe(TextFormat), verbosity: maybe(v.picklist(['low', 'medium', 'high'])) })),
  reasoning: maybe(
    options({
      effort: maybe(ReasoningEffort),
      summary: maybe(v.picklist(['auto', 'concise', 'detailed'])),
      generate_summary: maybe(v.picklist(['auto', 'concise', 'detailed'])),
      context: maybe(v.picklist(['auto', 'current_turn', 'all_turns'])),
      mode: maybe(v.picklist(['standard', 'pro'])),
    }),
  ),
  metadata: maybe(Metadata),
  store: maybe(v.boolean()),
  stream: maybe(v.boolean()),
  stream_options: maybe(options({ include_obfuscation: maybe(v.boolean()) })),
  truncation: maybe(v.picklist(['auto', 'disabled'])),
  top_logprobs: maybe(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(20))),
  background: maybe(v.boolean()),
  include: maybe(Include),
  max_tool_calls: maybe(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(Number.MAX_SAFE_INTEGER))),
  service_tier: maybe(ServiceTier),
  user: maybe(v.pipe(v.string(), v.maxLength(512))),
  safety_identifier: maybe(v.pipe(v.string(), v.maxLength(128))),
  prompt_cache_key: maybe(v.pipe(v.string(), v.maxLength(1024))),
  prompt_cache_options: maybe(PromptCacheOptions),
  prompt_cache_retention: maybe(v.picklist(['in_memory', '24h'])),
  previous_response_id: maybe(v.string()),
  conversation: maybe(v.lazy((value) => (typeof value === 'string' ? v.string() : v.object({ id: v.string() })))),
  prompt: maybe(
    v.object({
      id: v.string(),
      version: maybe(v.string()),
      variables: maybe(v.pipe(AnyObject, OwnNames, v.record(v.string(), PromptVariable))),
    }),
  ),
  context_management: maybe(
    v.array(
      v.object({
        type: v.literal('compaction'),
        compact_threshold: maybe(v.pipe(v.number(), v.integer(), v.minValue(1))),
      }),
    ),
  ),
  moderation: v.optional(v.unknown()),
  access_programs: v.optional(v.unknown()),
  image: v.optional(v.unknown()),
});
const InputItems = v.pipe(v.array(InputItem), v.nonEmpty());
export type CreateRequest = v.InferOutput<typeof CreateRequest>;
