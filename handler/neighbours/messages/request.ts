import * as v from 'valibot';
import { AnyObject, maybe, notSupported, options, Text } from '../../protocol/fields.ts';
import { isObject, isShallow, type JsonObject, MAX_DEPTH } from '../../protocol/json.ts';

/** The longest stop sequence, in characters, and the most of them: each of the first is looked for in all that a model says. */
const MAX_STOP_SEQUENCE = 1_024;
const MAX_STOP_SEQUENCES = 64;

/** A block of content, or an entry of a list that its own type decides on: it is checked where it is translated. */
const Entry = v.custom<JsonObject>((value) => isObject(value) && isShallow(value, 2 * MAX_DEPTH));

/** One message, or a text or blocks that the model is told before all messages. */
const Content = v.lazy((value) => (typeof value === 'string' ? Text : v.array(Entry)));

/** The mark of the end of a beginning that is the same in many requests. */
export const CacheControl = maybe(v.object({ type: v.literal('ephemeral'), ttl: maybe(v.picklist(['5m', '1h'])) }));

const Message = v.object({
  role: v.picklist(['user', 'assistant', 'system']),
  content: v.optional(Content),
  clear_at: maybe(v.picklist(['next_user_message', 'never'])),
  output_config: maybe(options({ effort: maybe(v.picklist(['low', 'medium', 'high', 'xhigh', 'max'])) })),
});

const Parallel = { disable_parallel_tool_use: maybe(v.boolean()) };

const Choice = v.variant('type', [
  v.object({ type: v.literal('auto'), ...Parallel }),
  v.object({ type: v.literal('any'), ...Parallel }),
  v.object({ type: v.literal('tool'), name: v.string(), ...Parallel }),
  v.object({ type: v.literal('none') }),
]);

const Display = maybe(v.picklist(['summarized', 'omitted']));

const Thinking = v.variant('type', [
  v.object({
    type: v.literal('enabled'),
    budget_tokens: v.pipe(v.number(), v.integer(), v.minValue(1_024), v.maxValue(Number.MAX_SAFE_INTEGER)),
    display: Display,
  }),
  v.object({ type: v.literal('adaptive'), display: Display }),
  v.object({ type: v.literal('disabled') }),
]);

/** The changes of a context that ask for nothing here: all thinking that comes is kept. */
const Edit = v.object({
  type: v.literal('clear_thinking_20251015'),
  keep: v.literal('all'),
});

/** What shapes the model call, which a count of its tokens takes as well. */
const shape = {
  model: v.pipe(v.string(), v.nonEmpty(), v.maxLength(256)),
  messages: v.pipe(v.array(Message), v.nonEmpty()),
  system: maybe(Content),
  tools: maybe(v.array(Entry)),
  tool_choice: maybe(Choice),
  thinking: maybe(Thinking),
  output_config: maybe(
    options({
      effort: maybe(v.picklist(['low', 'medium', 'high', 'xhigh', 'max'])),
      format: maybe(v.object({ type: v.literal('json_schema'), schema: AnyObject })),
    }),
  ),
  cache_control: CacheControl,
  context_management: maybe(options({ edits: maybe(v.array(Edit)) })),
  mcp_servers: maybe(
    v.pipe(
      v.array(Entry),
      v.check(
        (list) => list.length === 0,
        'is not supported; POST /v1/responses calls MCP servers, by a tool of the type mcp',
      ),
    ),
  ),
};

/**
 * The body of `POST /v1/messages`. Null means "not given" throughout, and unknown members are dropped. Blocks and tools are checked
 * where they are translated, by their types.
 */
export const MessagesCreate = v.object({
  ...shape,
  max_tokens: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(Number.MAX_SAFE_INTEGER)),
  stream: maybe(v.boolean()),
  stop_sequences: maybe(
    v.pipe(v.array(v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_STOP_SEQUENCE))), v.maxLength(MAX_STOP_SEQUENCES)),
  ),
  temperature: maybe(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  top_p: maybe(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  top_k: notSupported('leave it out: no way to a model here has it, and top_p does the same'),
  metadata: maybe(options({ user_id: maybe(v.pipe(v.string(), v.maxLength(512))) })),
  service_tier: maybe(v.picklist(['auto', 'standard_only'])),
  speed: maybe(v.picklist(['standard', 'fast'])),
  thread: notSupported('send all that was said: no message is stored here'),
  container: notSupported('there are no containers here'),
  inference_geo: notSupported('the configuration says which server has a model'),
  fallbacks: notSupported('the configuration says which model answers in place of another'),
});
export type MessagesCreate = v.InferOutput<typeof MessagesCreate>;

/** The body of `POST /v1/messages/count_tokens`. */
export const MessagesCount = v.object(shape);
export type MessagesCount = v.InferOutput<typeof MessagesCount>;
