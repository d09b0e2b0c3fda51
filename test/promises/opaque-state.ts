import assert from 'node:assert/strict';
import type { Json } from '../support/accumulate.ts';
import type { Door } from '../support/doors/door.ts';
import { says, sends } from '../support/model/scripted.ts';
import { answersTo, replays } from '../support/odd-replies.ts';
import { create, stream } from './ask.ts';
import { NEEDS_TEST_TOOL, promise } from './promise.ts';

// What a chat server wants back as it was, with the message or the call that it came with.

const tools = [{ type: 'function', name: 'f', parameters: { type: 'object' } }];
const signed = (thought_signature: string) => ({ google: { thought_signature } });
const call = (index: number, id: string, members: object = {}, name = 'f', args = '{}') => ({
  tool_calls: [{ index, id, type: 'function', function: { name, arguments: args }, ...members }],
});
const user = { role: 'user', content: 'Hi' };

const signaturesOf = ({ tool_calls }: Json) => tool_calls.map(({ extra_content }: Json) => extra_content);

/** A message without the ids of its calls, which are new every time where the server gave none. */
const withoutId = ({ tool_calls, ...message }: Json): Json => ({
  ...message,
  tool_calls: tool_calls.map((made: Json) => ({ ...made, id: null })),
});

/**
 * What the server of a model that says these deltas is sent of them later: by id, and by clients that keep everything
 * themselves, each in its own way. All must be the same, but for what `take` leaves out.
 */
async function sentBack(
  door: Door,
  deltas: object[],
  take = (message: Json): Json => message,
  reason = deltas.some((delta) => 'tool_calls' in delta) ? 'tool_calls' : 'stop',
): Promise<Json> {
  const sent: Json[] = [];
  for (const [name, { body, items }] of Object.entries(replays)) {
    const model = door.model.script(sends(deltas, reason), says('ok'));
    const { final } = await stream(door, { model, tools, input: [user], ...body });
    const outputs = answersTo(final.output, true);
    const next = { role: 'user', content: 'So?' };
    await create(door, { model, tools, ...body, input: [user, ...items(final.output), ...outputs, next] });
    if (body.store !== false)
      await create(door, { model, tools, previous_response_id: final.id, input: [...outputs, next] });
    for (const { body: asked } of door.model.calls(model).slice(1)) {
      const [, assistant, ...rest] = asked.messages;
      assert.equal(assistant.role, 'assistant', name);
      assert.equal(rest.at(-1).content, 'So?', name);
      sent.push({ name, assistant: take(assistant) });
    }
  }
  const [first] = sent;
  for (const { name, assistant } of sent) assert.deepEqual(assistant, first?.assistant, name);
  return first?.assistant;
}

promise(
  'state.signature',
  {
    says: "Gemini's signature of a call goes back with the call, with a store and without: each with its own, wherever it came",
    source: 'docs/edge-cases.md: 32 (pi#6733)',
  },
  async (door) => {
    const one = await sentBack(door, [call(0, 'c1', { extra_content: signed('one') })]);
    const fn = { name: 'f', arguments: '{}' };
    assert.deepEqual(one, {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: fn, extra_content: signed('one') }],
    });
    const two = await sentBack(door, [
      { content: 'Let me see.' },
      call(0, 'c1', { extra_content: signed('one') }),
      call(1, 'c2'),
      call(2, 'c3', { extra_content: { vertex: { thought_signature: 'three' } } }),
    ]);
    assert.equal(two.content, 'Let me see.');
    assert.deepEqual(
      two.tool_calls.map(({ id, extra_content }: Json) => [id, extra_content]),
      [
        ['c1', signed('one')],
        ['c2', undefined],
        ['c3', { vertex: { thought_signature: 'three' } }],
      ],
    );
  },
);

promise(
  'state.signature-names',
  {
    says: "a call's signature goes back in the member in which it came, of the call or of its function",
    source: 'https://docs.litellm.ai/docs/providers/gemini',
  },
  async (door) => {
    const fields = { provider_specific_fields: { thought_signature: 'one' } };
    for (const state of [fields, { thought_signature: 'one' }, { extra_content: signed('one') }]) {
      const inCall = await sentBack(door, [call(0, 'c1', state)]);
      assert.partialDeepStrictEqual(inCall.tool_calls, [{ id: 'c1', ...state }]);
      const fn = { name: 'f', arguments: '{}', ...state };
      const inFunction = await sentBack(door, [call(0, 'c1', { function: fn })]);
      assert.deepEqual(inFunction.tool_calls, [{ id: 'c1', type: 'function', function: fn }]);
    }
  },
);

promise(
  'state.signature-anywhere',
  {
    says: 'the signature of a call without an id or an index, one that comes late or between the pieces of another call, and that of a text go back as well',
    source: 'docs/edge-cases.md: 32 (pi#6733)',
  },
  async (door) => {
    const { index: _, ...unnumbered } = call(0, '', { extra_content: signed('one') }).tool_calls[0] ?? {};
    assert.deepEqual(signaturesOf(await sentBack(door, [{ tool_calls: [unnumbered] }], withoutId)), [signed('one')]);
    const pieces = [
      call(0, 'c1', {}, 'f', '{"a'),
      call(1, 'c2', { extra_content: signed('two') }, 'f', '{"b'),
      { tool_calls: [{ index: 0, function: { arguments: '":1}' }, extra_content: signed('one') }] },
      { tool_calls: [{ index: 1, function: { arguments: '":2}' } }] },
    ];
    const parts = await sentBack(door, pieces);
    assert.deepEqual(
      parts.tool_calls.map((made: Json) => made.function.arguments),
      ['{"a":1}', '{"b":2}'],
    );
    assert.deepEqual(signaturesOf(parts)[1], signed('two'));
    const text = [{ content: 'Yes' }, { content: '', extra_content: signed('text') }, { content: ', sir.' }];
    for (const reason of ['stop', 'length']) {
      assert.deepEqual(await sentBack(door, text, undefined, reason), {
        role: 'assistant',
        content: 'Yes, sir.',
        extra_content: signed('text'),
      });
    }
  },
);

promise(
  'state.details',
  {
    says: "OpenRouter's reasoning_details go back whole, their pieces joined, and Copilot's reasoning_opaque, both with the reasoning as text",
    source: 'docs/edge-cases.md: 33 (Roo-Code#9506)',
  },
  async (door) => {
    const piece = (text: string, more: object = {}) => ({ type: 'reasoning.text', text, index: 0, ...more });
    const encrypted = { type: 'reasoning.encrypted', data: 'ENC', id: 'c1', index: 1, format: 'google-gemini-v1' };
    const deltas = [
      { content: '', reasoning: 'Need ', reasoning_details: [piece('Need ', { format: 'unknown' })] },
      { reasoning: 'it.', reasoning_details: [piece('it.', { signature: 'SIG' })] },
      { reasoning_details: [encrypted] },
    ];
    const reasoning_details = [piece('Need it.', { format: 'unknown', signature: 'SIG' }), encrypted];
    for (const [rest, reason] of [
      [[call(0, 'c1')], 'tool_calls'],
      [[{ content: 'Yes' }, { content: '.' }], 'stop'],
      [[], 'length'],
    ] as const) {
      const sent = await sentBack(door, [...deltas, ...rest], undefined, reason);
      assert.deepEqual([sent.reasoning_details, sent.reasoning], [reasoning_details, 'Need it.'], reason);
    }
    const opaque = await sentBack(door, [{ reasoning: 'Hm.', reasoning_opaque: 'OPAQUE' }, call(0, 'c1')]);
    assert.partialDeepStrictEqual(opaque, { reasoning_opaque: 'OPAQUE', reasoning: 'Hm.' });
    const late = await sentBack(door, [{ reasoning: 'Hm.' }, call(0, 'c1'), { reasoning_opaque: 'OPAQUE' }]);
    assert.partialDeepStrictEqual(late, { reasoning_opaque: 'OPAQUE', reasoning: 'Hm.' });
  },
);

promise(
  'state.rounds',
  {
    says: "a signature goes back in the next round of a server's tool, and with the turns after it",
    source: 'docs/edge-cases.md: 32 (pi#6733)',
  },
  async (door) => {
    const add = call(0, 'c1', { extra_content: signed('one') }, 'add', '{"a":1,"b":2}');
    const model = door.model.script(sends([add], 'tool_calls'), says('3'), says('ok'));
    const { id, output } = await create(door, { model, tools: [{ type: 'test_tool' }] });
    assert.deepEqual(
      output.map(({ type }) => type),
      ['reasoning', 'mcp_call', 'message'],
    );
    await create(door, { model, previous_response_id: id, input: 'So?' });
    for (const { body } of door.model.calls(model).slice(1)) {
      assert.deepEqual(signaturesOf(body.messages[1]), [signed('one')]);
    }
  },
  NEEDS_TEST_TOOL,
);
