const message = (text: string) => ({
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
});

/** The tokens of the turn. */
export const usage = {
  input_tokens: 12,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 3,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 15,
};

/** A short answer, complete. */
export const response = {
  id: 'resp_1',
  object: 'response',
  access_programs: null,
  created_at: 1_798_761_600,
  completed_at: 1_798_761_601,
  status: 'completed',
  background: false,
  conversation: null,
  error: null,
  frequency_penalty: 0,
  incomplete_details: null,
  instructions: null,
  tool_choice: 'auto',
  parallel_tool_calls: true,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  model: 'qwen3',
  moderation: null,
  output: [message('Hello.')],
  presence_penalty: 0,
  previous_response_id: null,
  prompt: null,
  prompt_cache_key: null,
  prompt_cache_retention: null,
  reasoning: { effort: null, summary: null, context: 'all_turns' },
  safety_identifier: null,
  service_tier: 'auto',
  store: true,
  temperature: 1,
  text: { format: { type: 'text' }, verbosity: 'medium' },
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
  usage,
};

const { output: _, usage: __, ...started } = response;
const begun = { ...started, completed_at: null, status: 'in_progress', output: [], usage: null };
const place = { item_id: 'msg_1', output_index: 0, content_index: 0 };
const [part] = message('Hello.').content;

/** The events of one short answer, as the server writes them. */
const events = [
  { type: 'response.created', response: begun },
  { type: 'response.in_progress', response: begun },
  { type: 'response.output_item.added', output_index: 0, item: { ...message(''), status: 'in_progress', content: [] } },
  { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
  { type: 'response.output_text.delta', ...place, delta: 'Hello.', logprobs: [] },
  { type: 'response.output_text.done', ...place, text: 'Hello.', logprobs: [] },
  { type: 'response.content_part.done', ...place, part },
  { type: 'response.output_item.done', output_index: 0, item: message('Hello.') },
  { type: 'response.completed', response },
];
/** The same answer as a stream. */
export const stream = `${events
  .map(
    ({ type, ...rest }, sequence_number) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number, ...rest })}\n\n`,
  )
  .join('')}data: [DONE]\n\n`;
