import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toConversation } from '../handler/backend/anthropic/input.ts';
import { sealThought, unsealThought } from '../handler/backend/anthropic/sealed-thought.ts';
import { toMessages } from '../handler/backend/chat/messages.ts';
import { OpaqueState } from '../handler/backend/chat/opaque-state.ts';
import { toOpenAIs, toOthers } from '../handler/backend/responses/input.ts';
import { sealedIn } from '../handler/backend/responses/sealed-reasoning.ts';
import { backendSeal, isSealedHere } from '../handler/backend/server/seal.ts';
import { ItemWriter } from '../handler/events/item-writer.ts';
import type { Item } from '../handler/items/item.ts';
import { makeSecret, sealWith } from '../handler/seal.ts';

const third = backendSeal('third', 2);
const thinks = (encrypted_content: string): Item => ({
  type: 'reasoning',
  id: 'rs_1',
  status: 'completed',
  summary: [],
  content: [],
  encrypted_content,
});

test('what a backend has sealed goes back to it, and to no other', () => {
  const sealed = third.seal('a third server’s');
  assert.equal(third.open(sealed), 'a third server’s');
  assert.equal(unsealThought(sealed), undefined);
  assert.equal(third.open(sealThought({ type: 'redacted_thinking', data: 'AA' })), undefined);
  assert.equal(backendSeal('third', 1).open(sealed), undefined, 'another version is another form');
  const input = [thinks(sealed)];
  const sent = [
    toConversation(null, input).messages,
    toMessages(null, input, 'server'),
    input.flatMap(toOpenAIs),
    toOthers(input),
  ];
  assert.deepEqual(sent, [[], [], [], []]);
});

test('what was sealed here is told from what servers seal', async () => {
  const ours = await sealWith([makeSecret('s')])('default').seal('reasoning', 'Hm');
  for (const sealed of [ours, third.seal(''), 'anthropic.1.{}']) assert.ok(isSealedHere(sealed), sealed);
  for (const sealed of ['', 'gAAAAABo', 'eyJh.1.AA', 'Hm. 2. So.', '1.2.3']) assert.ok(!isSealedHere(sealed), sealed);
});

test('what a Responses server has sealed goes back to that server only', () => {
  const item = { type: 'reasoning', encrypted_content: 'gAAA' };
  const texts = { summary: '', content: '' };
  const input = [thinks(sealedIn(item, texts, 'one'))];
  assert.partialDeepStrictEqual(toOthers(input, 'one'), [{ type: 'reasoning', encrypted_content: 'gAAA' }]);
  assert.deepEqual([toOthers(input, 'two'), input.flatMap(toOpenAIs)], [[], []]);
  assert.equal(sealedIn(item, texts, null), 'gAAA', 'OpenAI, as it is');
  assert.equal(sealedIn({ ...item, content: 'gAAA' }, texts, 'one'), 'gAAA', 'Ollama: the text itself');
});

test('a backend seals in a name of its own', () => {
  for (const name of ['', 'antiphon', 'Third', 'a.1', 'a1']) assert.throws(() => backendSeal(name), /cannot seal in/);
});

test('state of a chat server goes back to that server only', () => {
  const state = new OpaqueState('one');
  const writer = new ItemWriter();
  const tool_calls = [{ id: 'c1', function: { name: 'f' }, extra_content: { google: { thought_signature: 'SIG' } } }];
  state.before({ reasoning_opaque: 'OPAQUE', tool_calls }, writer);
  const [added] = writer.take();
  assert.ok(added?.type === 'response.output_item.added' && added.item.type === 'reasoning');
  state.end(writer, 'completed');
  const done = writer.take().at(-1);
  assert.ok(done?.type === 'response.output_item.done' && done.item.type === 'reasoning');
  const { encrypted_content = null } = done.item;
  assert.ok(isSealedHere(encrypted_content ?? ''));
  const call = {
    type: 'function_call',
    id: 'fc_1',
    call_id: 'c1',
    name: 'f',
    arguments: '{}',
    status: 'completed',
  } as const;
  const output = { type: 'function_call_output', id: 'fco_1', call_id: 'c1', output: '', status: 'completed' } as const;
  const input = [done.item, call, output];
  const sentTo = (server: string) => JSON.stringify(toMessages(null, input, server));
  assert.match(sentTo('one'), /OPAQUE.*SIG/);
  const others = [sentTo('two'), toOthers(input), input.flatMap(toOpenAIs), toConversation(null, input).messages];
  assert.doesNotMatch(JSON.stringify(others), /OPAQUE|SIG/);
  for (const broken of [
    'chat.1.',
    'chat.1.{',
    'chat.1.[]',
    'chat.1.{"server":"one","calls":[null,{"at":9,"extra_content":{}}]}',
  ]) {
    assert.deepEqual(toMessages(null, [thinks(broken), call, output], 'one').length, 2, broken);
  }
});
