import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessagesReply } from '../handler/backend/anthropic/reply.ts';
import { sealThought } from '../handler/backend/anthropic/sealed-thought.ts';
import type { ModelCall } from '../handler/backend/backend.ts';
import { toModelFunctions } from '../handler/backend/functions/tools.ts';
import { ApiError } from '../handler/errors.ts';
import type { ClientTool } from '../handler/protocol/tools.ts';
import type { Json } from './support/accumulate.ts';
import { modelCall } from './support/backend-contract.ts';
import { type Block, messageEvents, text } from './support/model/scripted-messages.ts';

const call: Block = { type: 'tool_use', id: 'toolu_1', name: 'f', input: '{"a": 1}' };
const thought: Extract<Block, { type: 'thinking' }> = {
  type: 'thinking',
  thinking: 'First this.',
  signature: 'c2lnbmVk',
};
const redacted: Extract<Block, { type: 'redacted_thinking' }> = { type: 'redacted_thinking', data: 'c2VhbGVk' };

/** What becomes of a server's events. */
function read(events: readonly Json[], members: Partial<ModelCall> = {}) {
  const asked = modelCall(members);
  const reply = new MessagesReply(asked, toModelFunctions(asked.tools, asked.params));
  for (const event of events) reply.add(event);
  const finish = reply.finish();
  const ours = reply.take();
  const items = ours.flatMap((event): Json[] => (event.type === 'response.output_item.done' ? [event.item] : []));
  return { ours, finish, bare: items.map(({ id: _, ...item }) => item) };
}

test('a call that its server gives whole when it begins is read whole', () => {
  const block = { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } };
  const { bare } = read([
    { type: 'content_block_start', index: 0, content_block: block },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"a": 1}' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_stop' },
  ]);
  assert.deepEqual(
    bare.map((item) => item.arguments),
    ['{"a":1}'],
  );
});

test('each block of thinking is an item, with what its server wants back', () => {
  const silent: Block = { ...thought, thinking: '' };
  const { bare } = read(messageEvents([thought, redacted, silent, text('Yes')]));
  const item = { type: 'reasoning', status: 'completed', summary: [], content: [] };
  assert.deepEqual(bare.slice(0, 3), [
    {
      ...item,
      content: [{ type: 'reasoning_text', text: 'First this.' }],
      encrypted_content: sealThought(thought),
    },
    { ...item, encrypted_content: sealThought(redacted) },
    { ...item, encrypted_content: sealThought(silent) },
  ]);
  const summed = read(messageEvents([thought]), { reasoning: { effort: 'low', summary: 'auto' } }).bare[0];
  assert.deepEqual([summed?.summary.length, summed?.content.length], [1, 0]);
  assert.equal(summed?.encrypted_content, sealThought(thought));
});

test('calls are those of the tools that the client knows, and only the first without parallel calls', () => {
  const tools: ClientTool[] = [{ type: 'custom', name: 'c' }];
  const custom: Block = { ...call, id: 'toolu_2', name: 'c', input: '{"input": "x"}' };
  const { bare, finish } = read(messageEvents([text('Hm'), call, custom]), { tools });
  assert.deepEqual(
    bare.map(({ type, call_id }) => [type, call_id]),
    [
      ['message', undefined],
      ['function_call', 'toolu_1'],
      ['custom_tool_call', 'toolu_2'],
    ],
  );
  assert.equal(finish.reason, 'stop');
  assert.equal(read(messageEvents([call, custom]), { parallel_tool_calls: false }).bare.length, 1);
  assert.equal(read(messageEvents([{ ...call, input: '' }])).bare[0]?.arguments, '{}');
});

test('a call that was cut is incomplete, and none where it cannot be read', () => {
  const cut = (name: string, members: Partial<ModelCall> = {}) =>
    read(messageEvents([{ ...call, name, input: '{"a": ' }], { stop_reason: 'max_tokens' }), members);
  const { bare, finish } = cut('f');
  assert.deepEqual([bare[0]?.arguments, bare[0]?.status], ['{"a": ', 'incomplete']);
  assert.equal(finish.reason, 'max_output_tokens');
  assert.deepEqual(cut('apply_patch', { tools: [{ type: 'apply_patch' }] }).bare, []);
});

test('a model ends for reasons of its own, or of others', () => {
  const reason = (stop_reason: string) => read(messageEvents([text('Hi')], { stop_reason })).finish.reason;
  for (const own of ['end_turn', 'stop_sequence', 'pause_turn', 'something_new']) assert.equal(reason(own), 'stop');
  assert.equal(reason('max_tokens'), 'max_output_tokens');
  assert.equal(reason('model_context_window_exceeded'), 'max_output_tokens');
  assert.equal(reason('refusal'), 'content_filter');
});

test('usage is of all of the input; later counts stand for earlier ones', () => {
  const details = { output_tokens_details: { thinking_tokens: 3 } };
  const usage = {
    input_tokens: 10,
    cache_read_input_tokens: 20,
    cache_creation_input_tokens: 30,
    output_tokens: 7,
    ...details,
  };
  assert.deepEqual(read(messageEvents([], { usage })).finish.usage, {
    input_tokens: 60,
    input_tokens_details: { cached_tokens: 20, cache_write_tokens: 30 },
    output_tokens: 7,
    output_tokens_details: { reasoning_tokens: 3 },
    total_tokens: 67,
  });
  const nulls = messageEvents([], { usage: { input_tokens: null, output_tokens: 7 } });
  assert.equal(read(nulls).finish.usage?.input_tokens, 11);
  const silent = messageEvents([]).map(({ usage: _, message: __, ...event }) => event);
  assert.equal(read(silent).finish.usage, null);
});

test('what is not known is passed over', () => {
  const odd = [
    {
      type: 'content_block_start',
      index: 7,
      content_block: { type: 'server_tool_use', id: 's', name: 'x', input: {} },
    },
    { type: 'content_block_delta', index: 7, delta: { type: 'input_json_delta', partial_json: '{}' } },
    { type: 'content_block_delta', index: 7, delta: { type: 'citations_delta', citation: {} } },
    { type: 'content_block_delta', index: 9, delta: { type: 'signature_delta', signature: 'late' } },
    { type: 'message_thought', index: 1 },
  ];
  const { bare } = read([...odd, ...messageEvents([text('Hi')])]);
  assert.deepEqual(
    bare.map(({ type }) => type),
    ['message'],
  );
});

test('an error event fails the call', () => {
  const error = { type: 'overloaded_error', message: 'Overloaded' };
  assert.throws(() => read([...messageEvents([text('Well')]).slice(0, 4), { type: 'error', error }]), ApiError);
  assert.throws(() => read([{ error: { code: 500, message: 'no type' } }]), ApiError);
});
