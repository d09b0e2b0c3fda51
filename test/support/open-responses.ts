import assert from 'node:assert/strict';

// What the Open Responses schema (github.com/openresponses/openresponses, version 2026-04-24) requires of what a server
// sends, in words of our own: members that must be there, and of which kind. Others may be there too.

// biome-ignore lint/suspicious/noExplicitAny: tests reach into what was sent without a schema
type Json = any;
type Kind = (value: Json) => boolean;
type Members = Readonly<Record<string, Kind>>;

const text: Kind = (value) => typeof value === 'string';
const flag: Kind = (value) => typeof value === 'boolean';
const number: Kind = (value) => typeof value === 'number';
const count: Kind = Number.isInteger;
const object: Kind = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const orNull =
  (kind: Kind): Kind =>
  (value) =>
    value === null || kind(value);
const optional =
  (kind: Kind): Kind =>
  (value) =>
    value === undefined || kind(value);
const oneOf =
  (...values: Json[]): Kind =>
  (value) =>
    values.includes(value);
const listOf =
  (kind: Kind): Kind =>
  (value) =>
    Array.isArray(value) && value.every(kind);
const shape =
  (members: Members): Kind =>
  (value) =>
    object(value) && Object.entries(members).every(([name, kind]) => kind(value[name]));
const byType =
  (types: Readonly<Record<string, Members>>): Kind =>
  (value) =>
    object(value) && Object.hasOwn(types, value.type) && shape(types[value.type] ?? {})(value);

const status = oneOf('in_progress', 'completed', 'incomplete');
const token = { token: text, logprob: number, bytes: listOf(count) };
const logprobs = optional(listOf(shape({ ...token, top_logprobs: listOf(shape(token)) })));
const citation = { url: text, title: text, start_index: count, end_index: count };

const part = byType({
  input_text: { text },
  output_text: { text, annotations: listOf(byType({ url_citation: citation })), logprobs },
  text: { text },
  summary_text: { text },
  reasoning_text: { text },
  refusal: { refusal: text },
  input_image: { image_url: orNull(text), detail: oneOf('low', 'high', 'auto') },
  input_file: { filename: optional(text), file_url: optional(text) },
});

const item = byType({
  message: {
    id: text,
    status,
    role: oneOf('user', 'assistant', 'system', 'developer'),
    content: listOf(part),
    phase: optional(oneOf('commentary', 'final_answer')),
  },
  function_call: { id: text, call_id: text, name: text, arguments: text, status },
  function_call_output: { id: text, call_id: text, output: (value) => text(value) || listOf(part)(value), status },
  reasoning: { id: text, summary: listOf(part), content: optional(listOf(part)), encrypted_content: optional(text) },
  compaction: { id: text, encrypted_content: text },
});

const usage = shape({
  input_tokens: count,
  output_tokens: count,
  total_tokens: count,
  input_tokens_details: shape({ cached_tokens: count }),
  output_tokens_details: shape({ reasoning_tokens: count }),
});

const functionTool = { name: text, description: orNull(text), parameters: orNull(object), strict: orNull(flag) };
const mode = oneOf('none', 'auto', 'required');
const functionChoice = byType({ function: { name: optional(text) } });
const allowedTools = byType({ allowed_tools: { tools: listOf(functionChoice), mode } });

const response: Members = {
  id: text,
  object: oneOf('response'),
  created_at: count,
  completed_at: orNull(count),
  status: text,
  incomplete_details: orNull(shape({ reason: text })),
  model: text,
  previous_response_id: orNull(text),
  instructions: orNull(text),
  output: listOf(item),
  error: orNull(shape({ code: text, message: text })),
  tools: listOf(byType({ function: functionTool })),
  tool_choice: (value) => mode(value) || functionChoice(value) || allowedTools(value),
  truncation: oneOf('auto', 'disabled'),
  parallel_tool_calls: flag,
  text: shape({ format: object, verbosity: optional(oneOf('low', 'medium', 'high')) }),
  top_p: number,
  presence_penalty: number,
  frequency_penalty: number,
  top_logprobs: count,
  temperature: number,
  reasoning: orNull(shape({ effort: orNull(text), summary: orNull(text) })),
  usage: orNull(usage),
  max_output_tokens: orNull(count),
  max_tool_calls: orNull(count),
  store: flag,
  background: flag,
  service_tier: text,
  metadata: object,
  safety_identifier: orNull(text),
  prompt_cache_key: orNull(text),
};

const lifecycle = { response: shape(response) };
const ofItem = { output_index: count, item: orNull(item) };
const inItem = { item_id: text, output_index: count };
const inContent = { ...inItem, content_index: count };
const inSummary = { ...inItem, summary_index: count };

const events: Readonly<Record<string, Members>> = {
  'response.created': lifecycle,
  'response.queued': lifecycle,
  'response.in_progress': lifecycle,
  'response.completed': lifecycle,
  'response.failed': lifecycle,
  'response.incomplete': lifecycle,
  'response.output_item.added': ofItem,
  'response.output_item.done': ofItem,
  'response.content_part.added': { ...inContent, part },
  'response.content_part.done': { ...inContent, part },
  'response.output_text.delta': { ...inContent, delta: text, logprobs },
  'response.output_text.done': { ...inContent, text, logprobs },
  'response.refusal.delta': { ...inContent, delta: text },
  'response.refusal.done': { ...inContent, refusal: text },
  'response.function_call_arguments.delta': { ...inItem, delta: text },
  'response.function_call_arguments.done': { ...inItem, arguments: text },
  'response.reasoning_summary_part.added': { ...inSummary, part },
  'response.reasoning_summary_part.done': { ...inSummary, part },
  'response.reasoning_summary_text.delta': { ...inSummary, delta: text },
  'response.reasoning_summary_text.done': { ...inSummary, text },
  error: { error: shape({ type: text, code: orNull(text), message: text, param: orNull(text) }) },
};

const compacted: Members = {
  id: text,
  object: oneOf('response.compaction'),
  output: listOf(item),
  created_at: count,
  usage,
};

function holds(members: Members, value: Json, what: string): void {
  const wrong = Object.entries(members).flatMap(([name, kind]) =>
    kind(value?.[name]) ? [] : [`${name}: ${JSON.stringify(value?.[name])?.slice(0, 200)}`],
  );
  assert.deepEqual(wrong, [], `${what} is as the schema of Open Responses requires`);
}

/** Asserts that a response has every member that the schema requires. */
export function checkResponse(value: unknown): void {
  holds(response, value, 'a response');
}

/** Asserts that an event is one of the schema's, with every member that it requires. */
export function checkEvent(value: Json): void {
  const members = events[value?.type];
  assert.ok(members, `the schema of Open Responses has no event ${value?.type}`);
  holds({ sequence_number: count, ...members }, value, value.type);
}

/** Asserts that the reply of the compact endpoint has every member that the schema requires. */
export function checkCompacted(value: unknown): void {
  holds(compacted, value, 'a compacted response');
}
