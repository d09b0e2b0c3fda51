import assert from 'node:assert/strict';
import { hangs, replies, type Script, says } from '../support/model/scripted.ts';
import { refuses } from './ask.ts';
import { count } from './input-tokens-ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask } from './state-ask.ts';

const COUNT = '/v1/chat/completions/input_tokens';
const PATH = '/v1/responses/input_tokens';
const WORDS = 400;
const input = 'A house with a garden near the river. '.repeat(WORDS / 8);

/** Holds a number to be that of a text of so many words, as a tokenizer or its characters tell. */
function plausible(tokens: number, words = WORDS): void {
  assert.ok(tokens > words && tokens < 3 * words + 50, `${tokens} tokens of ${words} words`);
}

promise(
  'input-tokens.estimate',
  {
    says: 'where a server counts nothing it is an estimate: of the text, and a constant for an image and a file',
    source: 'docs/backends.md',
  },
  async (door) => {
    const never = ['chat-never', 'responses-never', 'anthropic-never'];
    for (const model of ['demo', 'down', ...never.map((kind) => door.model.counting(kind, {}))]) {
      plausible(await count(door, { model, input }));
    }
    const model = door.model.counting('chat-never', {});
    const plain = { role: 'user', content: [{ type: 'input_text', text: input }] };
    const shown = async (...parts: object[]) =>
      count(door, { model, input: [{ ...plain, content: [...plain.content, ...parts] }] });
    const data = 'A'.repeat(100_000);
    const image = { type: 'input_image', image_url: `data:image/png;base64,${data}` };
    const file = { type: 'input_file', file_data: `data:application/pdf;base64,${data}` };
    const alone = await shown();
    assert.deepEqual([(await shown(image)) - alone, (await shown(file, image)) - alone], [1_000, 3_000]);
    const fn = { type: 'function', name: 'f', description: input };
    const schema = { type: 'object', description: input };
    for (const more of [
      { instructions: input },
      { tools: [fn] },
      { text: { format: { type: 'json_schema', name: 's', schema } } },
    ]) {
      plausible((await count(door, { model, input: [plain], ...more })) - alone);
    }
    const call = { type: 'function_call', call_id: 'c', name: 'f', arguments: JSON.stringify({ input }) };
    const output = { type: 'function_call_output', call_id: 'c', output: input };
    plausible((await count(door, { model, input: [plain, call, output] })) - alone, 2 * WORDS);
  },
  NEEDS_HEADERS,
);

promise(
  'input-tokens.fallback',
  {
    says: 'a count that fails, hangs or makes no sense gives way to the estimate',
    source: 'docs/backends.md',
  },
  async (door) => {
    const overflow = { error: { code: 400, message: 'the request exceeds the available context size' } };
    for (const fails of [
      replies(500, {}),
      replies(429, {}),
      replies(400, overflow),
      replies(403, {}),
      replies(200, '{"input_tok'),
      hangs('').script,
      (turn) => turn.cut(),
    ] satisfies Script[]) {
      plausible(await count(door, { model: door.model.counting('chat-failing', { [COUNT]: fails }), input }));
    }
    const senseless = {
      [COUNT]: replies(200, { input_tokens: -1 }),
      '/tokenize': replies(200, { count: '7', tokens: {} }),
      '/apply-template': replies(200, { prompt: 7 }),
    };
    plausible(await count(door, { model: door.model.counting('chat-garbled', senseless), input }));
  },
  NEEDS_HEADERS,
);

promise(
  'input-tokens.errors',
  {
    says: 'refused credentials and an unknown model are errors as in a create',
    source: 'docs/backends.md',
  },
  async (door) => {
    const of = async (status: number, message: string) => {
      const model = door.model.counting('chat-failing', { [COUNT]: replies(status, { error: { message } }) });
      return ask(door, 'POST', PATH, { model, input: 'Hi' });
    };
    const credentials = await of(401, 'Invalid API key');
    await refuses(credentials, {
      status: 500,
      code: 500,
      message: /^The model backend refused our credentials: `key`/,
    });
    assert.equal(credentials.headers.get('x-should-retry'), 'false');
    const unknown = { status: 404, code: 'model_not_found', param: 'model' };
    await refuses(await of(404, 'The model `m` does not exist.'), unknown);
  },
  NEEDS_HEADERS,
);

promise(
  'input-tokens.remembered',
  { says: 'what a server does not offer it is not asked again', source: 'docs/backends.md' },
  async (door) => {
    const model = door.model.counting('chat-once', {}, says('ok'));
    for (let turn = 0; turn < 3; turn++) plausible(await count(door, { model, input }));
    const asked = door.model.calls(model).map(({ path }) => path);
    assert.deepEqual(asked, [COUNT, '/tokenize', '/apply-template']);
    const other = door.model.counting('chat-once', { [COUNT]: replies(200, { input_tokens: 1 }) });
    plausible(await count(door, { model: other, input }));
    assert.deepEqual(door.model.calls(other), []);
  },
  NEEDS_HEADERS,
);
