/**
 * Members of requests to model servers, and the member of the client's request that each is made from. Null: we add it
 * ourselves, so that a refusal of it is a failure of ours.
 */
const MEMBERS: Readonly<Record<string, string | null>> = {
  messages: 'input',
  input: 'input',
  prompt: 'input',
  contents: 'input',
  system: 'instructions',
  instructions: 'instructions',
  model: 'model',
  tools: 'tools',
  functions: 'tools',
  tool_choice: 'tool_choice',
  parallel_tool_calls: 'parallel_tool_calls',
  temperature: 'temperature',
  top_p: 'top_p',
  top_logprobs: 'top_logprobs',
  logprobs: 'top_logprobs',
  max_tokens: 'max_output_tokens',
  max_completion_tokens: 'max_output_tokens',
  max_new_tokens: 'max_output_tokens',
  max_output_tokens: 'max_output_tokens',
  response_format: 'text.format',
  'text.format': 'text.format',
  'output_config.format': 'text.format',
  json_schema: 'text.format',
  verbosity: 'text.verbosity',
  'text.verbosity': 'text.verbosity',
  reasoning_effort: 'reasoning.effort',
  'reasoning.effort': 'reasoning.effort',
  'reasoning.summary': 'reasoning.summary',
  'output_config.effort': 'reasoning.effort',
  effort: 'reasoning.effort',
  thinking: 'reasoning.effort',
  reasoning: 'reasoning',
  service_tier: 'service_tier',
  user: 'user',
  safety_identifier: 'safety_identifier',
  prompt_cache_key: 'prompt_cache_key',
  prompt_cache_retention: 'prompt_cache_retention',
  stream: null,
  stream_options: null,
  store: null,
  include: null,
  anthropic_version: null,
};

/** Longer names first, so that the whole of a name is found. */
const NAMES = Object.keys(MEMBERS)
  .sort((a, b) => b.length - a.length)
  .map((name) => name.replace('.', '\\.'))
  .join('|');

/** A member at the start of a name such as `tools[0].function.name`, or of a path such as `body.temperature`. */
const AT_START = new RegExp(`^(?:body\\.)?(${NAMES})(?![\\w-])`);

/** Where a message names a member: at its start, in quotes, or beside the word for it. */
const NAMED: readonly RegExp[] = [
  /\b(tool_choice)\b/,
  new RegExp(`^\\W*(?:adaptive )?(${NAMES})(?![\\w-])`, 'i'),
  new RegExp(`['"\`](${NAMES})(?=['"\`.[])`),
  new RegExp(
    `\\b(?:parameter|argument|field|param|member|invalid|unsupported|support|with|for|the):? (${NAMES})(?![\\w-])`,
    'i',
  ),
  /\b(\w+_\w+)\b/,
];

/**
 * The client's own field that a refusal names, by the `param` of the error or in its message; undefined where it names
 * none. Null where it names what the client did not send.
 */
export function refusedField(params: readonly string[], messages: readonly string[]): string | null | undefined {
  for (const param of params) {
    const name = AT_START.exec(param)?.[1];
    if (name !== undefined) return MEMBERS[name];
  }
  for (const pattern of NAMED) {
    for (const message of messages) {
      const name = pattern.exec(message)?.[1]?.toLowerCase() ?? '';
      if (Object.hasOwn(MEMBERS, name)) return MEMBERS[name];
    }
  }
  return undefined;
}
