import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toConversation } from '../handler/backend/anthropic/input.ts';
import { sealThought, unsealThought } from '../handler/backend/anthropic/sealed-thought.ts';
import { toMessages } from '../handler/backend/chat/messages.ts';
import { toOpenAIs, toOthers } from '../handler/backend/responses/input.ts';
import { backendSeal, isSealedHere } from '../handler/backend/server/seal.ts';
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
    toMessages(null, input),
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

test('a backend seals in a name of its own', () => {
  for (const name of ['', 'antiphon', 'Third', 'a.1', 'a1']) assert.throws(() => backendSeal(name), /cannot seal in/);
});
