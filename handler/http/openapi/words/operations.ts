import type { ErrorKind } from '../../../errors.ts';
import { forwardedOperations } from './forwarded.ts';
import { messageOperations } from './messages.ts';
import type { OperationWords } from './operation-words.ts';
import { response, stream, usage } from './samples.ts';

const weather = {
  type: 'function',
  name: 'weather',
  description: 'The weather in a city.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
    additionalProperties: false,
  },
  strict: true,
};
const question = 'What is the weather in Oslo?';
const schema = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'number' } },
  required: ['city', 'degrees'],
  additionalProperties: false,
};

const conversation = { id: 'conv_1', object: 'conversation', created_at: 1_798_761_600, metadata: { team: 'search' } };
const said = {
  type: 'message',
  id: 'msg_2',
  role: 'user',
  status: 'completed',
  content: [{ type: 'input_text', text: 'Say hello.' }],
};
const list = { object: 'list', data: [said], first_id: 'msg_2', last_id: 'msg_2', has_more: false };
const maker = { made_by: null, request_id: 'req_1' };
const pageOf = (data: { id: string }) => ({
  ...{ object: 'list', data: [data], first_id: data.id, last_id: data.id, has_more: false },
});
const PAGE =
  'The newest comes first, unless `order=asc`. A page may end before it is full, with `has_more`: go on with `after=` its `last_id`, ' +
  'which need not be in it. ';
const model = { id: 'qwen3', object: 'model', created: 0, owned_by: 'antiphon', servers: { up: 1, all: 1 } };
const json = (value: object) => ({ 'application/json': value });
const ok = json({ status: 'ok' });

const OF_MODEL: ErrorKind[] = [
  'model_not_found',
  'model_access',
  'context_length',
  'model_refused',
  'rate_limit',
  'quota',
];
const OF_TURN: ErrorKind[] = [
  ...OF_MODEL,
  ...([
    'unsupported',
    'refused',
    'not_found',
    'previous_not_found',
    'previous_not_usable',
    'unreadable',
    'shredded',
  ] as const),
  ...(['caller_limit', 'allowance', 'connector', 'storage_full'] as const),
];

/** Every operation by its id. */
export const operationWords: Readonly<Record<string, OperationWords>> = {
  createResponse: {
    tag: 'Responses',
    description:
      'One turn: the model reads the instructions, what was before (`previous_response_id` or `conversation`) and the input, and answers. ' +
      'With `stream: true` the reply is its events as they are made (see **Responses** above for their order). ' +
      'With `background: true` the reply comes at once, and the turn goes on by itself.',
    requests: {
      'a text': { model: 'qwen3', input: 'Say hello.' },
      streamed: { model: 'qwen3', input: 'Say hello.', stream: true },
      'going on from a response': { model: 'qwen3', previous_response_id: 'resp_1', input: 'And in French?' },
      'in a conversation': { model: 'qwen3', conversation: 'conv_1', input: 'Say hello.' },
      'with a tool of the client': { model: 'qwen3', input: question, tools: [weather] },
      'the output of that tool': {
        model: 'qwen3',
        tools: [weather],
        input: [
          { role: 'user', content: question },
          { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' },
          { type: 'function_call_output', call_id: 'call_1', output: 'Snow.' },
        ],
      },
      'JSON after a schema': {
        model: 'qwen3',
        input: question,
        text: { format: { type: 'json_schema', name: 'weather', schema, strict: true } },
      },
      'an image': {
        model: 'qwen3',
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_text', text: 'What is this?' },
              { type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=' },
            ],
          },
        ],
      },
      'in the background': { model: 'qwen3', input: 'Write a long story.', background: true },
      'kept by the client': {
        model: 'qwen3',
        input: 'Say hello.',
        store: false,
        include: ['reasoning.encrypted_content'],
      },
    },
    replies: { ...json(response), 'text/event-stream': stream },
    errors: [...OF_TURN, 'conversation_locked', 'idempotency_in_progress'],
  },
  compactConversation: {
    tag: 'Responses',
    description:
      'What was said becomes what the user said and one sealed item that stands for everything else. ' +
      'Nothing is stored: the client goes on with these items as its input.',
    requests: { 'a history': { model: 'qwen3', input: [{ role: 'user', content: 'Say hello.' }] } },
    replies: json({
      id: 'resp_1',
      object: 'response.compaction',
      created_at: 1_798_761_600,
      output: [said, { type: 'compaction', id: 'cmp_1', encrypted_content: 'antiphon.2.k1.D5OpuboPaoBg6BfU' }],
      usage,
    }),
    errors: OF_TURN,
  },
  countInputTokens: {
    tag: 'Responses',
    description:
      'As the server of the model counts them, else as an estimate. It takes what a create takes, and refuses what it refuses.',
    requests: { 'a text': { model: 'qwen3', input: 'Say hello.' } },
    replies: json({ object: 'response.input_tokens', input_tokens: 12 }),
    errors: OF_TURN,
  },
  listResponses: {
    tag: 'Responses',
    description: `The stored responses that fit all filters. ${PAGE}An addition of this server: no SDK has it.`,
    replies: json(pageOf({ ...response, ...maker })),
    errors: ['overloaded'],
  },
  getUsage: {
    tag: 'Usage',
    description:
      'What the caller has used, by whole days of UTC; a credential that names the scope `admin` sees all of its tenant. ' +
      'An addition of this server, which keeps it with `usage: true` in its configuration: no SDK has it.',
    replies: json({
      object: 'page',
      data: [
        {
          object: 'bucket',
          start_time: 1_798_761_600,
          end_time: 1_798_848_000,
          results: [
            {
              object: 'usage.result',
              ...{ user: null, project: null, key: null, model: 'qwen3', kind: null, requests: 1 },
              ...{ input_tokens: 12, cached_input_tokens: 0, cached_write_input_tokens: 0 },
              ...{ output_tokens: 3, reasoning_tokens: 0, total_tokens: 15, costs: {} },
            },
          ],
        },
      ],
      last_id: 'WzE3OTg3NjE2MDAwMDAsIiIsIiIsIiIsInF3ZW4zIiwiIl0',
      has_more: false,
    }),
    errors: ['refused'],
  },
  getResponse: {
    tag: 'Responses',
    description:
      'The response as it is now. With `stream=true` the events of a response that was made in the background, again or still; ' +
      'with `starting_after` only those after that number.',
    replies: { ...json(response), 'text/event-stream': stream },
    errors: ['not_found', 'shredded', 'refused'],
  },
  deleteResponse: {
    tag: 'Responses',
    description: 'It is hidden at once; what others go on from is removed when they are.',
    replies: json({ id: 'resp_1', object: 'response', deleted: true }),
    errors: ['not_found'],
  },
  cancelResponse: {
    tag: 'Responses',
    description: 'It ends as `cancelled`, with what was made so far. One that has ended stays as it is.',
    replies: json({ ...response, background: true, status: 'cancelled', output: [], usage: null }),
    errors: ['not_found', 'shredded', 'refused'],
  },
  listInputItems: {
    tag: 'Responses',
    description: 'Its own input, not what was before. The newest comes first, unless `order=asc`.',
    replies: json(list),
    errors: ['not_found', 'shredded', 'context_length'],
  },
  createConversation: {
    tag: 'Conversations',
    description: 'A list of items to which turns add theirs, with items at its beginning or without.',
    requests: {
      empty: {},
      'with items': { items: [{ role: 'user', content: 'Say hello.' }], metadata: { team: 'search' } },
    },
    replies: json(conversation),
    errors: ['refused', 'unreadable', 'storage_full'],
  },
  listConversations: {
    tag: 'Conversations',
    description: `The conversations that fit all filters. ${PAGE}An addition of this server: no SDK has it.`,
    replies: json(pageOf({ ...conversation, ...maker })),
  },
  getConversation: {
    tag: 'Conversations',
    description: 'The conversation and its metadata.',
    replies: json(conversation),
    errors: ['not_found', 'shredded'],
  },
  updateConversation: {
    tag: 'Conversations',
    description: 'Replaces all of the metadata.',
    requests: { metadata: { metadata: { team: 'search' } } },
    replies: json(conversation),
    errors: ['not_found', 'shredded', 'storage_full'],
  },
  deleteConversation: {
    tag: 'Conversations',
    description: 'Deletes it, with the items that only it holds. Responses that were made in it stay.',
    replies: json({ id: 'conv_1', object: 'conversation.deleted', deleted: true }),
    errors: ['not_found'],
  },
  listItems: {
    tag: 'Conversations',
    description: 'All that was said. The newest comes first, unless `order=asc`.',
    replies: json(list),
    errors: ['not_found', 'shredded', 'context_length'],
  },
  addItems: {
    tag: 'Conversations',
    description: 'Adds items at the end, as if they had been said.',
    requests: { 'a message': { items: [{ role: 'user', content: 'Say hello.' }] } },
    replies: json(list),
    errors: ['not_found', 'shredded', 'refused', 'unreadable', 'conversation_locked', 'storage_full'],
  },
  getItem: { tag: 'Conversations', description: 'One item.', replies: json(said), errors: ['not_found', 'shredded'] },
  deleteItem: {
    tag: 'Conversations',
    description: 'Takes the item out; the reply is the conversation.',
    replies: json(conversation),
    errors: ['not_found', 'shredded', 'conversation_locked'],
  },
  ...messageOperations([...OF_TURN.filter((kind) => kind !== 'previous_not_found' && kind !== 'previous_not_usable')]),
  ...forwardedOperations([...OF_MODEL, 'unsupported', 'caller_limit', 'allowance']),
  listModels: {
    tag: 'Models',
    description:
      'The names of the configuration, then what servers behind patterns list, for as long as `limits.listing` waits.',
    replies: json({ object: 'list', data: [model] }),
  },
  getModel: {
    tag: 'Models',
    description: 'One of them. A slash in its name stays one, and is not `%2F`.',
    replies: json(model),
    errors: ['model_not_found'],
  },
  getLiveness: { tag: 'Health', description: 'For probes; always ok.', replies: ok },
  getReadiness: {
    tag: 'Health',
    description:
      '503 with the reasons (`draining`, `database`, `envoy`, `storage`) while it should get no new requests.',
    replies: json({ status: 'ready' }),
  },
  getHealth: { tag: 'Health', description: 'For people; always ok.', replies: ok },
  getDocument: { tag: 'Documents', description: 'OpenAPI 3.1, made of the schemas by which requests are checked.' },
  getDocs: { tag: 'Documents', description: 'A page that asks nobody but this server.' },
  getDocsScript: { tag: 'Documents', description: 'Compressed, and kept by browsers.' },
};
