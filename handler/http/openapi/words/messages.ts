import type { OperationWords } from './operation-words.ts';
import type { MemberWords } from './usage.ts';

const usage = {
  input_tokens: 12,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: 3,
  output_tokens_details: null,
  server_tool_use: null,
};
const end = { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null };
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'qwen3',
  content: [{ type: 'text', text: 'Hello.', citations: null }],
  ...end,
  usage: { ...usage, cache_creation: null, inference_geo: null, service_tier: 'standard', speed: null },
  diagnostics: null,
};
const begun = { ...message, content: [], stop_reason: null, usage: { ...message.usage, output_tokens: 0 } };
const events = [
  { type: 'message_start', message: begun },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: null } },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello.' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: end, usage },
  { type: 'message_stop' },
];
const stream = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');

const question = { role: 'user', content: 'What is the weather in Oslo?' };
const weather = {
  name: 'weather',
  description: 'The weather in a city.',
  input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};

/** The operations of the Messages API, whose errors `of` a turn are those of a create. */
export function messageOperations(of: OperationWords['errors']): Readonly<Record<string, OperationWords>> {
  const tag = 'Messages';
  return {
    createMessage: {
      tag,
      description:
        'A turn that is not stored, as a message or as its events. What cannot be carried is refused by name; what Claude alone has is listed in docs/messages.md.',
      requests: {
        'a text': { model: 'qwen3', max_tokens: 1024, messages: [{ role: 'user', content: 'Say hello.' }] },
        'as a stream': {
          model: 'qwen3',
          max_tokens: 1024,
          messages: [{ role: 'user', content: 'Say hello.' }],
          stream: true,
        },
        'with a tool of the client': { model: 'qwen3', max_tokens: 1024, messages: [question], tools: [weather] },
        'the result of that tool': {
          model: 'qwen3',
          max_tokens: 1024,
          tools: [weather],
          messages: [
            question,
            {
              role: 'assistant',
              content: [{ type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Oslo' } }],
            },
            { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1', content: 'Snow.' }] },
          ],
        },
      },
      replies: { 'application/json': message, 'text/event-stream': stream },
      ...(of && { errors: of }),
    },
    countMessageTokens: {
      tag,
      description: 'As the server of the model counts them, else as an estimate.',
      requests: { 'a text': { model: 'qwen3', messages: [{ role: 'user', content: 'Say hello.' }] } },
      replies: { 'application/json': { input_tokens: 12 } },
      ...(of && { errors: of }),
    },
  };
}

/** The members of messages, with the keys of `memberWords`. */
export const messageWords: Readonly<Record<string, MemberWords>> = {
  'Query.anthropic-version': ['The version of the API that the client speaks.', '2026-10-21'],
  'MessagesCreate.messages': ['What was said so far: it ends with what the model is to answer.'],
  'MessagesCount.messages': ['What was said so far.'],
  'messages[].content': [
    'A text, or blocks: `text`, `image`, `document`, `search_result`, `tool_result` of a user, `text`, `thinking`, `redacted_thinking`, `tool_use` of the model.',
    'Say hello.',
  ],
  clear_at: ['When a message of the system is no longer told.'],
  'messages[].output_config': ['How the model thinks from here on.'],
  'output_config.effort': ['How much the model thinks; `high` is the default, and asks for nothing.', 'low'],
  system: ['What the model is told before everything else: a text, or blocks of it.', 'Answer in one sentence.'],
  'MessagesCreate.tools': ['The tools that the client runs, each with a name and an `input_schema`.'],
  'MessagesCount.tools': ['The tools that the client runs.'],
  'MessagesCreate.tool_choice': [
    'Whether the model may, must or must not call a tool, or which one.',
    { type: 'auto' },
  ],
  'MessagesCount.tool_choice': ['The same.', { type: 'auto' }],
  disable_parallel_tool_use: ['Whether the model may make one call at most.'],
  thinking: ['Whether the model thinks, and what is shown of that. Without it nothing is shown.', { type: 'adaptive' }],
  budget_tokens: ['How long it may think: the model is told an effort that comes near.', 8192],
  display: ['`omitted` for signatures without words.'],
  output_config: ['How much the model thinks, and the form of its text.'],
  'output_config.format': ['A schema of the text.'],
  cache_control: ['Asks servers that keep the beginnings of requests to keep this one.', { type: 'ephemeral' }],
  'MessagesCreate.context_management': ['What is taken out of the context: nothing here.'],
  'MessagesCount.context_management': ['The same.'],
  edits: ['Only thinking, all of which is kept.'],
  keep: ['Always `all`.'],
  mcp_servers: ['Not supported.', []],
  'MessagesCreate.max_tokens': ['The most tokens of the answer, thinking included.', 1024],
  'MessagesCreate.stream': ['Whether the events come as they are made, or the message when it is complete.'],
  stop_sequences: ['Texts at which the model is stopped; they are not part of the message.', ['\n\n']],
  top_k: ['Not supported.', null],
  'MessagesCreate.metadata': ['What the model server is told of the request.', { user_id: 'u_7f3a' }],
  'metadata.user_id': ['Who the end user is, for the model server.', 'u_7f3a'],
  'MessagesCreate.service_tier': ['How urgently the turn is served, where the model server has tiers.'],
  speed: ['`fast` where the model server has a tier of that name.'],
  thread: ['Not supported: whoever asks for one sends all that was said instead.', null],
  container: ['Not supported.', null],
  inference_geo: ['Not supported.', null],
  fallbacks: ['Not supported.', null],
  'Message.content': ['The blocks, in their order: text, thinking, and calls of tools.'],
  stop_reason: ['Why it ended: `end_turn`, `max_tokens`, `stop_sequence`, `tool_use` or `refusal`.', 'end_turn'],
  stop_sequence: ['The stop sequence at which the model was stopped.', '\n\n'],
  stop_details: ['More about a refusal.'],
  'Message.usage': ['The tokens of the turn.'],
  'Message.usage.input_tokens': ['Tokens that the model read and no cache had.', 12],
  cache_creation_input_tokens: ['Tokens that a server wrote to its cache.', 0],
  cache_read_input_tokens: ['Tokens that a server had in its cache.', 0],
  'Message.usage.output_tokens': ['Tokens that the model said and thought.', 3],
  'Message.usage.output_tokens_details': ['How many of these it thought with.'],
  server_tool_use: ['Searches of the web that this server has made, where there were any.'],
  diagnostics: ['Always null.'],
  request_id: ['The id of the request, which the header `request-id` has as well.', 'req_1'],
};
