import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { modelRequest, refuses, unprocessable } from './ask.ts';
import { promise } from './promise.ts';

const fn = { type: 'function', name: 'f' };
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']));
const deep = (depth: number): object => (depth === 0 ? {} : { a: deep(depth - 1) });
const message = (content: unknown) => ({ input: [{ role: 'user', content }] });

/** Wrong members, each with the field that the error must name. */
const wrong: [param: string, body: object][] = [
  ['model', { model: 7 }],
  ['model', { model: '' }],
  ['input', { input: undefined }],
  ['input', { input: 7 }],
  ['input', { input: [] }],
  ['input[0]', { input: ['Hi'] }],
  ['input[0].type', { input: [{ type: 'item_of_next_year' }] }],
  ['input[0].role', { input: [{ content: 'Hi' }] }],
  ['input[0].role', { input: [{ role: 'wizard', content: 'Hi' }] }],
  ['input[1].content', { input: [{ role: 'user', content: 'Hi' }, { role: 'user' }] }],
  ['input[0].content', message(7)],
  ['input[0].content[0].type', message([{ type: 'input_video' }])],
  ['input[0].content[0].text', message([{ type: 'input_text' }])],
  [
    'input[0].content[1].text',
    message([
      { type: 'input_text', text: 'a' },
      { type: 'input_text', text: 7 },
    ]),
  ],
  ['input[0].content[0].image_url', message([{ type: 'input_image' }])],
  ['input[0].content[0].detail', message([{ type: 'input_image', image_url: 'http://x.test', detail: 'huge' }])],
  ['input[0].call_id', { input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }],
  ['input[0].name', { input: [{ type: 'function_call', call_id: 'c', arguments: '{}' }] }],
  ['input[0].arguments', { input: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: {} }] }],
  ['input[0].call_id', { input: [{ type: 'function_call_output', output: '' }] }],
  ['input[0].call_id', { input: [{ type: 'function_call_output', call_id: 'x'.repeat(65), output: '' }] }],
  ['input[0].output', { input: [{ type: 'function_call_output', call_id: 'c' }] }],
  ['input[0].output[0].type', { input: [{ type: 'function_call_output', call_id: 'c', output: [{ type: 'x' }] }] }],
  ['instructions', { instructions: ['Be brief.'] }],
  ['max_output_tokens', { max_output_tokens: 15 }],
  ['max_output_tokens', { max_output_tokens: 16.5 }],
  ['metadata', { metadata: 'x' }],
  ['metadata', { metadata: many(17) }],
  ['metadata.k', { metadata: { k: 7 } }],
  ['metadata.k', { metadata: { k: 'x'.repeat(513) } }],
  ['parallel_tool_calls', { parallel_tool_calls: 'yes' }],
  ['reasoning', { reasoning: 'high' }],
  ['reasoning.effort', { reasoning: { effort: 'enormous' } }],
  ['store', { store: 'no' }],
  ['stream', { stream: 'true' }],
  ['temperature', { temperature: '1' }],
  ['temperature', { temperature: 2.1 }],
  ['temperature', { temperature: -0.1 }],
  ['top_p', { top_p: 1.1 }],
  ['top_logprobs', { top_logprobs: 21 }],
  ['truncation', { truncation: 'some' }],
  ['text', { text: 'json' }],
  ['text.format', { text: { format: 'json' } }],
  ['text.format.type', { text: { format: { type: 'xml' } } }],
  ['text.format.name', { text: { format: { type: 'json_schema', schema: {} } } }],
  ['text.format.schema', { text: { format: { type: 'json_schema', name: 'x' } } }],
  ['text.verbosity', { text: { verbosity: 'loud' } }],
  ['tools', { tools: {} }],
  ['tools[0]', { tools: ['f'] }],
  ['tools[0].type', { tools: [{ name: 'f' }] }],
  ['tools[0].name', { tools: [{ type: 'function' }] }],
  ['tools[0].name', { tools: [{ ...fn, name: 'a b' }] }],
  ['tools[1].name', { tools: [fn, fn] }],
  ['tools[1].parameters', { tools: [fn, { ...fn, name: 'g', parameters: [] }] }],
  ['tools[0].parameters', { tools: [{ ...fn, parameters: deep(101) }] }],
  ['tools[0].strict', { tools: [{ ...fn, strict: 'very' }] }],
  ['tool_choice', { tools: [fn], tool_choice: 'maybe' }],
  ['tool_choice', { tools: [fn], tool_choice: 7 }],
  ['tool_choice', { tool_choice: 'required' }],
  ['tool_choice', { tools: [fn], tool_choice: { type: 'function', name: 'g' } }],
  ['tool_choice.type', { tools: [fn], tool_choice: { type: 'web_search' } }],
  ['tool_choice.name', { tools: [fn], tool_choice: { type: 'function' } }],
];

promise(
  'validation.names-field',
  { says: 'whatever is wrong, 422 names its field in param and message', source: 'docs/errors.md' },
  async (door) => {
    for (const [param, body] of wrong) await unprocessable(door, body, param);
  },
);

promise(
  'validation.required',
  { says: 'a missing field is said to be required', source: 'docs/errors.md' },
  async (door) => {
    await unprocessable(door, { input: undefined }, 'input', 'input field is required');
    await unprocessable(door, { tools: [{ type: 'function' }] }, 'tools[0].name', 'tools[0].name field is required');
    await unprocessable(door, message([{ type: 'input_text' }]), 'input[0].content[0].text', /field is required$/);
  },
);

promise(
  'validation.values-listed',
  {
    says: 'an error that lists what a member may be lists values, and neither null nor undefined',
    source: 'docs/errors.md',
  },
  async (door) => {
    const lists = [
      ['input[0].type', { input: [{ type: 'item_of_next_year' }] }],
      ['input[0].content[0].type', message([{ type: 'input_video' }])],
      ['text.format.type', { text: { format: { type: 'xml' } } }],
      ['truncation', { truncation: 'some' }],
    ] as const;
    for (const [param, body] of lists) {
      const text = await unprocessable(door, body, param, /must be one of "\w+"(, "\w+")+(, \S*\.\.\.)?$/);
      assert.doesNotMatch(text, /null,|undefined/);
    }
  },
);

/** What is known and not there yet: 422, so that nobody takes silence for an answer. */
const later: [param: string, body: object][] = [
  ['moderation', { moderation: { type: 'x' } }],
  ['tools[1].type', { tools: [fn, { type: 'file_search', vector_store_ids: ['v'] }] }],
  ['tools[0].type', { tools: [{ type: 'code_interpreter', container: { type: 'auto' } }] }],
];

promise(
  'validation.not-yet',
  { says: 'known parameters and hosted tools that are not there yet are 422, named', source: 'docs/errors.md' },
  async (door) => {
    for (const [param, body] of later) await unprocessable(door, body, param);
  },
);

promise(
  'validation.not-asked',
  { says: 'known parameters in their neutral values are taken', source: 'docs/errors.md' },
  async (door) => {
    await modelRequest(door, {
      background: false,
      include: [],
      truncation: 'disabled',
      top_logprobs: 0,
      tools: [],
      store: true,
    });
  },
);

promise(
  'validation.bounds',
  { says: 'values on their bounds are taken', source: 'openai 7.57.0 types, OpenResponses constraints' },
  async (door) => {
    await modelRequest(door, {
      max_output_tokens: 16,
      temperature: 2,
      top_p: 1,
      metadata: { ...many(15), ['k'.repeat(64)]: 'v'.repeat(512) },
      tools: [{ ...fn, name: 'f'.repeat(64), parameters: deep(99) }],
    });
  },
);

promise(
  'validation.demo',
  { says: 'what the demo model cannot honour is 422', source: 'docs/errors.md' },
  async (door) => {
    const format = { type: 'json_object' };
    const reply = await post(door, { model: 'demo', input: 'Hi', stream: true, text: { format } });
    await refuses(reply, { status: 422, code: 422, param: 'text.format' });
    const forced = await post(door, { model: 'demo', input: 'Hi', tools: [fn], tool_choice: 'required' });
    await refuses(forced, { status: 422, code: 422, param: 'tool_choice' });
  },
);

/** Values that an error must not repeat, whatever its field. */
const secret = `SECRET-${'x'.repeat(3000)}`;

promise(
  'validation.no-echo',
  {
    says: 'no error repeats a text that the client sent, but a short word where one of the API stands',
    source: 'docs/errors.md',
  },
  async (door) => {
    const bodies: object[] = [
      { temperature: secret },
      { stream: secret },
      { truncation: secret },
      { input: [{ role: secret, content: 'Hi' }] },
      { input: [{ type: secret }] },
      { tools: [{ type: secret }] },
      { tools: [{ ...fn, name: secret }] },
      { tool_choice: secret },
      { text: { format: { type: secret } } },
      { metadata: { k: secret } },
      { service_tier: secret },
      { previous_response_id: [secret] },
      { conversation: { id: [secret] } },
    ];
    for (const body of bodies) {
      const reply = await post(door, { model: 'demo', input: 'Hi', ...body });
      assert.equal(reply.status, 422);
      const text = await reply.text();
      assert.ok(text.length < 1024);
      assert.doesNotMatch(text, /SECRET/);
    }
    const unparsed = await (await post(door, `{"model":"${secret}`)).text();
    assert.doesNotMatch(unparsed, /SECRET/);
    const unknown = await (await post(door, { model: secret, input: 'Hi' })).text();
    assert.doesNotMatch(unknown, /SECRET/);
    for (const body of [{ model: 'word' }, { truncation: 'word' }, { tools: [{ type: 'word' }] }]) {
      const told = await (await post(door, { model: 'demo', input: 'Hi', ...body })).text();
      assert.match(told, /\\"word\\"/);
    }
    for (const body of [{ instructions: 7, user: 'word' }, { metadata: { k: 7, l: 'word' } }, { stream: 'word' }]) {
      assert.doesNotMatch(await (await post(door, { model: 'demo', input: 'Hi', ...body })).text(), /word/);
    }
  },
);

promise(
  'validation.small',
  { says: 'every error body is under 1 KiB, whatever the input', source: 'docs/edge-cases.md: 30 (vllm#49239)' },
  async (door) => {
    const keys = ['"', '\\', '\u0001', 'é', '👍'].map((character) => character.repeat(5000));
    for (const key of keys) {
      const reply = await post(door, { model: 'demo', input: 'Hi', metadata: { [key]: 'v' } });
      assert.equal(reply.status, 422);
      assert.ok(new TextEncoder().encode(await reply.text()).length < 1024);
    }
    const input = Array.from({ length: 2000 }, () => ({
      type: 'nothing',
      role: 'nobody',
      content: [{ type: 'none' }],
    }));
    await unprocessable(door, { input }, 'input[0].type');
  },
);

promise(
  'validation.deep',
  { says: 'deeply nested input is refused, and breaks nothing', source: 'docs/errors.md' },
  async (door) => {
    const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const reply = await post(door, `{"model":"demo","input":${nested}}`);
    assert.ok(reply.status === 422 || reply.status === 400);
    await reply.text();
    const metadata = await post(door, `{"model":"demo","input":"Hi","metadata":{"a":${nested}}}`);
    assert.ok(metadata.status === 422 || metadata.status === 400);
    await metadata.text();
  },
);
