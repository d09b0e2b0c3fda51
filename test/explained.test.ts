import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ApiError, type ErrorKind, errorKinds } from '../handler/errors.ts';
import { parseConfig } from '../handler/index.ts';
import { post, testConfigFile } from './support/doors/door.ts';
import { type InProcess, openInProcess } from './support/doors/in-process.ts';
import { startScriptedModel } from './support/model/scripted.ts';

const fn = { type: 'function', name: 'weather' };
const item = (content: unknown) => ({ input: [{ role: 'user', content }] });
const image = (image_url: string) => item([{ type: 'input_image', image_url }]);
const large = { name: 'large', pad: 'x'.repeat(4096) };

/** Limits and rules that are easily reached. */
const config = {
  limits: { items: 2, tools: 2, body: '4KiB', inflated: '4KiB', history: '1KiB' },
  media: { schemes: ['https', 'data'], hosts: ['cdn.example'] },
};

/** A request that is refused: the kind, its field, and all that the message has to say. */
interface Refusal {
  kind: ErrorKind;
  param?: string;
  says: readonly string[];
  body?: object;
  /** Where the request goes to, if not `POST /v1/responses`. */
  path?: string;
  init?: RequestInit;
}

const creates: [kind: ErrorKind, body: object, param: string | undefined, ...says: string[]][] = [
  // What is not there, and what is of another type.
  ['missing', { input: null }, 'input', 'input field is required'],
  ['missing', { model: null }, 'model', 'model field is required'],
  ['invalid_type', { temperature: '1' }, 'temperature', 'must be a number, not a string'],
  ['invalid_type', { tools: {} }, 'tools', 'must be an array, not an object'],
  ['invalid_type', { stream: 1 }, 'stream', 'must be a boolean, not a number'],
  // Words of the API: the one that is there, the one that was meant, and all that there are.
  ['invalid_value', { tools: [fn], tool_choice: 'atuo' }, 'tool_choice', 'is "atuo" (did you mean "auto"?)', '"none"'],
  ['invalid_value', { reasoning: { effort: 'hihg' } }, 'reasoning.effort', '"hihg"', '(did you mean "high"?)', '"low"'],
  ['invalid_value', { truncation: 'some' }, 'truncation', 'is "some"', '"auto", "disabled"'],
  ['invalid_value', { text: { format: { type: 'json' } } }, 'text.format.type', 'is "json"', '"json_schema"'],
  ['invalid_value', { input: [{ type: 'function_cal' }] }, 'input[0].type', '(did you mean "function_call"?)'],
  ['invalid_value', { include: ['everything'] }, 'include[0]', 'is "everything"', 'reasoning.encrypted_content'],
  ['invalid_value', { tool_choice: 'required' }, 'tool_choice', '"required"', 'tools names none'],
  [
    'invalid_value',
    { tools: [fn], tool_choice: { type: 'function', name: 'wether' } },
    'tool_choice',
    'a function "wether" that is not in tools',
    'which has weather',
  ],
  ['unsupported', { tools: [{ type: 'functoin' }] }, 'tools[0].type', '(did you mean "function"?)', 'custom'],
  ['unsupported', { tools: [{ type: 'file_search' }] }, 'tools[0].type', '"file_search"', '`dropTools`'],
  [
    'unsupported',
    { tools: [fn], tool_choice: { type: 'file_search' } },
    'tool_choice.type',
    'file_search',
    '`dropTools`',
  ],
  ['unsupported', { max_tokens: 100 }, 'max_tokens', 'max_output_tokens'],
  // Numbers and lengths.
  ['invalid_value', { temperature: 2.5 }, 'temperature', 'at most 2, not 2.5'],
  ['invalid_value', { max_output_tokens: 15 }, 'max_output_tokens', 'at least 16, not 15'],
  ['invalid_type', { max_output_tokens: 16.5 }, 'max_output_tokens', 'a whole number, not 16.5'],
  ['invalid_value', { metadata: { k: 'x'.repeat(513) } }, 'metadata.k', 'longer than 512, and has 513'],
  ['invalid_value', { input: [1, 2, 3].map(() => ({ role: 'user', content: 'Hi' })) }, 'input', '`limits.items`', '3'],
  ['invalid_value', { tools: ['a', 'b', 'c'].map((name) => ({ ...fn, name })) }, 'tools', '`limits.tools`', 'has 3'],
  // What an operator decides.
  ['invalid_value', image('ftp://a/b.png'), 'input[0].content[0].image_url', 'https, data', '`media.schemes`'],
  ['invalid_value', image('https://a.example/b.png'), 'input[0].content[0].image_url', '`media.hosts`'],
  [
    'unsupported',
    {
      model: 'refusing-1',
      tools: [{ type: 'custom', name: 'c', format: { type: 'grammar', syntax: 'regex', definition: 'a' } }],
    },
    'tools[0].format',
    '`grammars: describe`',
  ],
  ['not_found', { prompt: { id: 'nobody' } }, 'prompt.id', 'The prompt "nobody"', '`prompts`'],
  ['not_found', { prompt: { id: 'greeting', version: '9' } }, 'prompt.version', 'it has "1", "2"'],
  ['model_not_found', { model: 'demmo' }, 'model', '"demmo"', 'Did you mean demo?', 'There are: demo', '`models`'],
  ['unsupported', { model: 'demo', text: { format: { type: 'json_object' } } }, 'text.format', 'demo'],
  ['server', { model: 'down' }, undefined, '`url` of its entry in `models`'],
  // State.
  ['previous_not_found', { previous_response_id: 'resp_1' }, 'previous_response_id', '`retention`', 'store: false'],
  ['refused', { previous_response_id: 'a', conversation: 'b' }, 'previous_response_id', 'conversation'],
  ['not_found', { conversation: 'conv_1' }, 'conversation', 'conversation was not found'],
  ['invalid_value', { background: true, store: false }, 'background', 'store must not be false'],
  ['too_large', large, undefined, '4096 bytes', '`limits.body`'],
];

const others: Refusal[] = [
  { kind: 'malformed_json', says: ['JSON'], init: { body: '{' } },
  { kind: 'malformed_json', says: ['empty'], init: { body: '' } },
  { kind: 'path', says: ['percent-encoded'], path: '/v1/%6dodels', init: { method: 'GET' } },
  { kind: 'corrupt_body', says: ['content-encoding'], init: { headers: { 'content-encoding': 'gzip' } } },
  { kind: 'unsupported_media', says: ['not "text/plain"'], init: { headers: { 'content-type': 'text/plain' } } },
  { kind: 'unsupported_media', says: ['gzip'], init: { headers: { 'content-encoding': 'lzma' } } },
  { kind: 'not_found', says: ['/docs has all paths'], path: '/v2/nothing' },
  { kind: 'not_found', says: ['What comes near is /v1/chat/completions'], path: '/chat/completions' },
  { kind: 'method_not_allowed', says: ['PUT', 'POST'], init: { method: 'PUT' } },
  {
    kind: 'model_not_found',
    param: 'model',
    says: ['"demmo"', 'Did you mean demo?'],
    path: '/v1/models/demmo',
    init: { method: 'GET' },
  },
];

/** Kinds that no single request brings about, or not in this process, each with the promise or test that shows it. */
const elsewhere: Partial<Record<ErrorKind, string>> = {
  previous_not_usable: 'previous.*',
  conversation_locked: 'conversation-lock.*',
  model_refused: 'backend-refusals.*',
  context_length: 'history.*, truncation.*',
  stream_id: 'websocket.*',
  stream_limit: 'websocket.*',
  connection_limit: 'websocket.*',
  host: 'rebinding.*',
  origin: 'rebinding.*',
  credentials: 'auth.test.ts',
  permissions: 'auth.test.ts',
  model_access: 'auth.test.ts',
  idempotency_in_progress: 'idempotency.*',
  cancelled: 'leaving.*',
  connector: 'served-tools.*',
  no_websocket: 'websocket.*',
  unreadable: 'sealed.*',
  shredded: 'encryption-keys.test.ts',
  too_many_waiting: 'websocket.*',
  rate_limit: 'backend-refusals.*',
  quota: 'backend-refusals.*',
  allowance: 'allowances.test.ts',
  caller_limit: 'callers.test.ts',
  overloaded: 'in-flight.test.ts',
  stopping: 'stopping',
  storage_full: 'reserve.test.ts',
};

describe('a refusal says what is wrong, what is there instead, and which key has it', () => {
  let door: InProcess;
  before(async () => {
    const model = await startScriptedModel();
    const file = testConfigFile(model);
    door = await openInProcess({ config: parseConfig({ ...file, ...config }) });
    await model.close();
  });
  after(() => door.close());

  const rows: Refusal[] = [
    ...creates.map(([kind, body, param, ...says]) => ({ kind, body, says, ...(param && { param }) })),
    ...others,
  ];
  for (const { kind, param = null, says, body = {}, path = '/v1/responses', init } of rows) {
    const sent = JSON.stringify({ model: 'demo', input: 'Hi', ...body });
    test(`${kind}, ${param ?? path}: ${says.join(', ')}`, async () => {
      const request: RequestInit = { method: 'POST', ...init };
      if (request.method !== 'GET') request.body ??= sent;
      request.headers = { 'content-type': 'application/json', ...request.headers };
      const reply = await door.fetch(path, request);
      const text = await reply.text();
      const { error } = JSON.parse(text);
      const expected = new ApiError(kind, '').reply('tiers');
      assert.deepEqual(
        [reply.status, error.code, error.type],
        [expected.status, expected.body.error.code, expected.body.error.type],
        text,
      );
      assert.equal(error.param, param);
      for (const words of says) assert.ok(error.message.includes(words), `${error.message} says nothing of ${words}`);
      assert.ok(error.message.length <= 320 && !error.message.endsWith('....'));
      assert.ok(new TextEncoder().encode(text).length < 1024);
    });
  }

  test('every kind of error is among them, or is shown elsewhere', () => {
    const shown = new Set<string>([...rows.map(({ kind }) => kind), ...Object.keys(elsewhere)]);
    assert.deepEqual(
      errorKinds.filter((kind) => !shown.has(kind)),
      [],
    );
  });

  test('what is no word of the API is not repeated', async () => {
    for (const secret of ['sk-abcdefgh12345', 'two words', 'x'.repeat(65), 'line\nbreak', '<script>']) {
      for (const body of [{ truncation: secret }, { tools: [{ type: secret }] }, { model: `demo ${secret}` }]) {
        const text = await (await post(door, { model: 'demo', input: 'Hi', ...body })).text();
        assert.ok(!text.includes(JSON.stringify(secret).slice(1, -1)), text);
      }
    }
  });
});
