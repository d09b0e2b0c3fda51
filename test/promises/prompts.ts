import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { callOf, create, modelRequest, refuses, stream, unprocessable } from './ask.ts';
import { NEEDS_TEST_TOOL, promise } from './promise.ts';
import { modelInput } from './state-ask.ts';

promise(
  'prompt.filled',
  {
    says: 'a prompt of the configuration is filled in, in its newest version unless the request names another',
    source: 'docs/api.md',
  },
  async (door) => {
    const model = door.model.script(says('ok'));
    const variables = { name: 'Ada', topic: { type: 'input_text', text: 'maths' } };
    const prompt = { id: 'greeting', variables };
    const response = await create(door, { model, input: 'Go.', prompt });
    assert.deepEqual(response.prompt, { ...prompt, version: '2' }, 'the newest version');
    assert.equal(response.instructions, 'Be kind to Ada.');
    assert.deepEqual(modelInput(door, model), ['system: Be kind to Ada.', 'user: Tell Ada of maths.', 'user: Go.']);
    await create(door, {
      model,
      input: undefined,
      prompt: { id: 'greeting', version: '1' },
      instructions: 'Be brief.',
    });
    assert.deepEqual(modelInput(door, model), ['system: Be brief.', 'user: Hello.']);
  },
);

promise(
  'prompt.parts',
  { says: 'a variable may be an image in the place of a part', source: 'openai 7.57.0 types' },
  async (door) => {
    const image = { type: 'input_image', image_url: 'data:image/png;base64,AA==' };
    const body = await modelRequest(door, { prompt: { id: 'picture', variables: { picture: image } } });
    assert.deepEqual(body.messages[0].content[1], { type: 'image_url', image_url: { url: image.image_url } });
    const words = await modelRequest(door, { prompt: { id: 'picture', variables: { picture: 'no picture' } } });
    assert.equal(words.messages[0].content[1].text, 'no picture');
  },
);

promise(
  'prompt.wrong',
  { says: 'an unknown prompt is 404, wrong variables are 422', source: 'docs/api.md' },
  async (door) => {
    const all = { name: 'Ada', topic: 'maths' };
    await unprocessable(
      door,
      { prompt: { id: 'greeting', variables: { name: 'Ada' } } },
      'prompt.variables.topic',
      /required/,
    );
    await unprocessable(
      door,
      { prompt: { id: 'greeting', variables: { ...all, more: 'x' } } },
      'prompt.variables.more',
    );
    await unprocessable(door, { prompt: { id: 'greeting', variables: { ...all, name: 5 } } }, 'prompt.variables.name');
    await unprocessable(door, { prompt: {} }, 'prompt.id', /required/);
    for (const [prompt, param] of [
      [{ id: 'nowhere' }, 'prompt.id'],
      [{ id: 'greeting', version: '9' }, 'prompt.version'],
    ] as const) {
      const model = door.model.script(says('ok'));
      await refuses(await post(door, { model, input: 'Hi', prompt }), { status: 404, code: null, param });
    }
  },
);

promise(
  'truncation.all',
  {
    says: 'truncation auto counts what else the model reads: tools, and the schema of its answer',
    source: 'openai 7.57.0 types',
  },
  async (door) => {
    const long = (n: number) => ({ role: 'user', content: `${n} ${'x'.repeat(90)}` });
    const input = Array.from({ length: 21 }, (_, n) => long(n));
    const seen = async (more: object) => {
      const model = door.model.script(says('ok'));
      await create(door, { model, input, truncation: 'auto', ...more });
      return modelInput(door, model).length;
    };
    const plain = await seen({});
    const description = 'y'.repeat(600);
    const schema = { type: 'object', properties: { a: { type: 'string', description } } };
    const some = [
      await seen({ tools: [{ type: 'function', name: 'f', description }] }),
      await seen({ text: { format: { type: 'json_schema', name: 'f', schema } } }),
    ];
    for (const count of some) assert.ok(count > 0 && count < plain, `${some} of ${plain}`);
    assert.equal(await seen({ max_output_tokens: 512 }), plain, 'as much as the context holds is no room for a reply');
  },
);

promise(
  'truncation.loop',
  { says: 'truncation auto makes room for what the tool loop adds', source: 'openai 7.57.0 types' },
  async (door) => {
    const input = Array.from({ length: 12 }, (_, n) => ({ role: 'user', content: `${n} ${'x'.repeat(90)}` }));
    const add = callsFunctions({ name: 'add', args: JSON.stringify({ a: 1, b: 2, note: 'y'.repeat(600) }), id: 'c1' });
    const model = door.model.script(add, says('3'));
    await create(door, { model, input, tools: [{ type: 'test_tool' }], truncation: 'auto' });
    const [first, second] = door.model.calls(model).map(({ body }) => body.messages);
    assert.ok(second.length < first.length + 2, 'the call and its output push the oldest out');
    assert.deepEqual([second.at(-2).tool_calls.length, second.at(-1).content], [1, '3']);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'truncation.auto',
  {
    says: 'truncation auto drops the oldest items, calls with their outputs, where the context is configured',
    source: 'docs/api.md',
  },
  async (door) => {
    const long = 'x'.repeat(600);
    const input = [
      { role: 'system', content: 'Stay.' },
      { role: 'user', content: `${long}1` },
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      { role: 'user', content: `${long}2` },
      { type: 'function_call_output', call_id: 'c', output: 'gone with its call' },
      { role: 'user', content: `${long}3` },
    ];
    const model = door.model.script(says('ok'));
    assert.equal((await create(door, { model, input, truncation: 'auto' })).truncation, 'auto');
    const { messages } = callOf(door, model).body;
    assert.deepEqual(
      messages.map(({ content }: { content: string }) => content.slice(-1)),
      ['.', '3'],
    );
    await create(door, { model, input });
    assert.equal(door.model.calls(model).at(-1)?.body.messages.length, 6);
  },
);

promise(
  'prompt.places',
  {
    says: "an error names the place in the client's own input, whatever the prompt puts before it",
    source: 'docs/errors.md',
  },
  async (door) => {
    const unknown = [{ type: 'additional_tools', tools: [{ type: 'file_search' }] }];
    const prompt = { id: 'greeting', variables: { name: 'Ada', topic: 'maths' } };
    for (const more of [{}, { prompt }]) {
      await unprocessable(door, { ...more, input: unknown }, 'input[0].tools[0].type');
    }
  },
);

promise(
  'stream.options-alone',
  { says: 'stream_options without stream: true is 422', source: 'openai 7.57.0 types' },
  async (door) => {
    const stream_options = { include_obfuscation: true };
    for (const without of [{}, { stream: false }, { stream: null }]) {
      await unprocessable(door, { ...without, stream_options }, 'stream_options', /stream: true/);
      await modelRequest(door, { ...without, stream_options: null });
    }
  },
);

promise('stream.obfuscation', { says: 'deltas are padded for those who ask', source: 'docs/api.md' }, async (door) => {
  const model = door.model.script(says('Hel', 'lo'));
  const padded = await stream(door, { model, stream_options: { include_obfuscation: true } });
  const sizes = padded.events.flatMap((event) =>
    event.type === 'response.output_text.delta'
      ? [event.delta.length + ((event as { obfuscation?: string }).obfuscation?.length ?? 0)]
      : [],
  );
  assert.deepEqual(sizes, [16, 16]);
  for (const options of [{}, { stream_options: { include_obfuscation: false } }]) {
    const { events } = await stream(door, { model, ...options });
    assert.doesNotMatch(JSON.stringify(events), /obfuscation/);
  }
});
