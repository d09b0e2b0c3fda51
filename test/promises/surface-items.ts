import assert from 'node:assert/strict';
import { calls, type ExampleItem, others, withOtherValues } from '../coverage/example-items.ts';
import { says } from '../support/model/scripted.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { conversation, have, type List } from './state-ask.ts';
import { fits, listAll, showsRows } from './surface-ask.ts';

const items = [...others, ...calls.flat(), ...withOtherValues];

promise(
  'surface.items-kept',
  {
    says: 'items of every type, with every member and value, are kept in a conversation as they were sent',
    source: 'openai 7.57.0 types: ConversationItem',
  },
  async (door) => {
    const id = await conversation(door);
    const path = `/v1/conversations/${id}/items`;
    for (let at = 0; at < items.length; at += 20) {
      const added = await have<List>(door, 'POST', path, { items: items.slice(at, at + 20) });
      assert.deepEqual(added.data, items.slice(at, at + 20));
    }
    const kept = await listAll(door, path);
    assert.deepEqual(kept, items);
    fits('ConversationItem', ...kept);
    for (const item of others) assert.deepEqual(await have(door, 'GET', `${path}/${item.id}`), item);
    showsRows('surface.items-kept', [
      ['input items', items],
      ['conversation items', kept],
    ]);
  },
  NEEDS_HEADERS,
);

/** The items as an input, in which each call has its answer and each answer its call, but for a call that was cut. */
function paired(): ExampleItem[] {
  const more = withOtherValues.flatMap((item, index) => {
    const pair = calls.find((two) => two.some(({ type }) => type === item.type));
    const isCut = item.type.endsWith('_call') && item.status === 'incomplete';
    if (!pair || isCut) return [item];
    const call_id = `call_more_${index}`;
    return pair.map((one) => ({ ...(one.type === item.type ? item : { ...one, id: `${call_id}_pair` }), call_id }));
  });
  return [...others, ...calls.flat(), ...more];
}

promise(
  'surface.items-listed',
  {
    says: 'items of every type, with every member and value, are listed as the input that they were',
    source: 'openai 7.57.0 types: ResponseItem',
  },
  async (door) => {
    const model = door.model.openai(answers(message('ok')));
    const input = paired();
    const { id } = await create(door, { model, input });
    const kept = await listAll(door, `/v1/responses/${id}/input_items`);
    assert.deepEqual(kept, input);
    fits('ResponseItem', ...kept);
    showsRows('surface.items-listed', [
      ['parameters', [{ input }]],
      ['input items', input],
      ['listed items', kept],
    ]);
  },
  NEEDS_HEADERS,
);

/** A value without what Chat Completions does not know: files by URL, and grammars. */
function readable<T>(value: T): T {
  const keep = (one: { file_url?: string; format?: { type: string } }) =>
    !one.file_url && one.format?.type !== 'grammar';
  return JSON.parse(JSON.stringify(value, (_, member) => (Array.isArray(member) ? member.filter(keep) : member)));
}

promise(
  'surface.items-heard',
  {
    says: 'every call and its answer reach the model, over Chat Completions and over Responses',
    source: 'openai 7.57.0 types: ResponseInputItem',
  },
  async (door) => {
    const input = calls.flat().map((item) => readable(item));
    const chat = door.model.script(says('ok'));
    await create(door, { model: chat, input });
    const { messages } = callOf(door, chat).body;
    const made: { id: string }[] = messages.flatMap(({ tool_calls = [] }) => tool_calls);
    const answered = messages.flatMap(({ role, tool_call_id }: Record<string, string>) =>
      role === 'tool' ? [tool_call_id] : [],
    );
    const ids = calls.map(([call]) => call.call_id);
    assert.deepEqual(
      made.map(({ id }) => id),
      ids,
    );
    assert.deepEqual(answered, ids);

    const native = door.model.openai(answers(message('ok')));
    await create(door, { model: native, input: calls.flat() });
    const heard: ExampleItem[] = callOf(door, native).body.input;
    assert.deepEqual(
      heard.map(({ type, id, call_id }) => [type, call_id ?? id]),
      calls.flat().map(({ type, call_id }) => [type, call_id]),
    );
  },
);

promise(
  'surface.messages-heard',
  {
    says: 'what messages, reasoning and calls of server-side tools say reaches the model, whatever the part',
    source: 'openai 7.57.0 types: ResponseInputItem',
  },
  async (door) => {
    const input = others.filter(({ type }) => ['message', 'reasoning', 'mcp_call'].includes(type));
    const chat = door.model.script(says('ok'));
    await create(door, { model: chat, input: readable(input) });
    const text = JSON.stringify(callOf(door, chat).body.messages);
    const native = door.model.native(answers(message('ok')));
    await create(door, { model: native, input: readable(input) });
    const items = JSON.stringify(callOf(door, native).body.input);
    const openai = door.model.openai(answers(message('ok')));
    await create(door, { model: openai, input });
    const whole = JSON.stringify(callOf(door, openai).body.input);
    for (const word of ['Hi', 'See X.', 'No.', '"t"', 'done', 'The call failed', 'image/png', 'text/plain', 'a.txt']) {
      assert.ok(text.includes(word), word);
      assert.ok(items.includes(word), word);
      assert.ok(whole.includes(word) || word === '"t"', word); // which is thought, and OpenAI takes only what it has sealed
    }
    assert.ok(whole.includes('https://files.test/a.pdf') && whole.includes('"phase":"commentary"'));
  },
);
