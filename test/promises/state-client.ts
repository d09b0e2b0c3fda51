import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { says } from '../support/model/scripted.ts';
import { callOf } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { modelInput } from './state-ask.ts';

promise(
  'client.stored',
  { says: 'openai: responses.retrieve and delete', source: 'openai 7.57.0' },
  async (door) => {
    const { responses } = door.client;
    const model = door.model.script(says('Hello'));
    const made = await responses.create({ model, input: 'Hi' });
    assert.deepEqual(await responses.retrieve(made.id), made);
    await responses.delete(made.id);
    await assert.rejects(responses.retrieve(made.id), OpenAI.NotFoundError);
    await assert.rejects(responses.delete(made.id), OpenAI.NotFoundError);
  },
  NEEDS_HEADERS,
);

promise(
  'client.chain',
  { says: 'openai: create with previous_response_id, and its error', source: 'openai 7.57.0' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'), says('three'));
    const first = await door.client.responses.stream({ model, input: 'A' }).finalResponse();
    const second = await door.client.responses.create({ model, input: 'B', previous_response_id: first.id });
    assert.equal(second.output_text, 'two');
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B']);
    const unknown = door.client.responses.create({ model, input: 'C', previous_response_id: 'resp_nobody' });
    await assert.rejects(unknown, (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.deepEqual([error.code, error.param], ['previous_response_not_found', 'previous_response_id']);
      return true;
    });
  },
);

promise(
  'client.input-items',
  { says: 'openai: inputItems.list walks all pages', source: 'openai 7.57.0' },
  async (door) => {
    const { responses } = door.client;
    const input = Array.from({ length: 45 }, (_, n) => ({ role: 'user' as const, content: `message ${n}` }));
    const { id } = await responses.create({ model: door.model.script(says('Hello')), input });
    for (const order of ['asc', 'desc'] as const) {
      const texts: unknown[] = [];
      for await (const item of responses.inputItems.list(id, { limit: 7, order })) {
        assert.ok(item.type === 'message' && item.content[0]?.type === 'input_text');
        texts.push(item.content[0].text);
      }
      const sent = input.map(({ content }) => content);
      assert.deepEqual(texts, order === 'asc' ? sent : sent.toReversed());
    }
  },
  NEEDS_HEADERS,
);

promise(
  'client.conversations',
  { says: 'openai: conversations.create, retrieve, update and delete', source: 'openai 7.57.0' },
  async (door) => {
    const { conversations } = door.client;
    const { id } = await conversations.create();
    const made = await conversations.create({ metadata: { a: '1' }, items: [{ role: 'user', content: 'A' }] });
    assert.notEqual(made.id, id);
    assert.deepEqual(await conversations.retrieve(made.id), made);
    const updated = await conversations.update(made.id, { metadata: { b: '2' } });
    assert.deepEqual(updated, { ...made, metadata: { b: '2' } });
    const deleted = await conversations.delete(made.id);
    assert.deepEqual(deleted, { id: made.id, object: 'conversation.deleted', deleted: true });
    await assert.rejects(conversations.retrieve(made.id), OpenAI.NotFoundError);
  },
  NEEDS_HEADERS,
);

promise(
  'client.conversation-items',
  { says: 'openai: conversations.items.create, list, retrieve and delete', source: 'openai 7.57.0' },
  async (door) => {
    const { conversations } = door.client;
    const { id, ...made } = await conversations.create();
    const items = Array.from({ length: 20 }, (_, n) => ({ role: 'user' as const, content: `message ${n}` }));
    const added = await conversations.items.create(id, { items });
    assert.equal(added.data.length, 20);
    const ids: (string | undefined)[] = [];
    for await (const item of conversations.items.list(id, { limit: 7, order: 'asc' })) ids.push(item.id);
    assert.deepEqual(
      ids,
      added.data.map((item) => item.id),
    );
    const [item] = added.data;
    assert.ok(item?.id);
    assert.deepEqual(await conversations.items.retrieve(item.id, { conversation_id: id }), item);
    assert.deepEqual(await conversations.items.delete(item.id, { conversation_id: id }), { id, ...made });
    await assert.rejects(conversations.items.retrieve(item.id, { conversation_id: id }), OpenAI.NotFoundError);
  },
  NEEDS_HEADERS,
);

promise(
  'client.conversation-turn',
  { says: 'openai: create with a conversation', source: 'openai 7.57.0' },
  async (door) => {
    const { id } = await door.client.conversations.create({ items: [{ role: 'user', content: 'A' }] });
    const model = door.model.script(says('Hello'));
    const response = await door.client.responses.create({ model, input: 'B', conversation: id });
    assert.deepEqual(response.conversation, { id });
    assert.equal(callOf(door, model).body.messages.length, 2);
  },
  NEEDS_HEADERS,
);
