import assert from 'node:assert/strict';
import { says } from '../support/model/scripted.ts';
import { create, refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import {
  ask,
  contents,
  conversation,
  have,
  type List,
  modelInput,
  nowhere,
  refusesWithin,
  stored,
  turnRefused,
} from './state-ask.ts';

const user = (content: string, id?: string) => ({ role: 'user', content, ...(id && { id }) });
const users = (count: number, from = 0) => Array.from({ length: count }, (_, n) => user(`${from + n}`));

promise(
  'conversation-items.add',
  { says: 'added items are returned in their order, with ids', source: 'openai 7.57.0 types: ConversationItemList' },
  async (door) => {
    const id = await conversation(door);
    const items = [
      user('A'),
      { ...user('B', 'msg_mine'), type: 'message' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'C' }] },
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: 'one' },
      { type: 'reasoning', summary: [] },
    ];
    const added = await have<List>(door, 'POST', `/v1/conversations/${id}/items`, { items });
    const { data, ...rest } = added;
    assert.deepEqual(
      data.map((item) => [item.type, item.id.replace(/_[\da-f]+$/, '')]),
      [
        ['message', 'msg'],
        ['message', 'msg_mine'],
        ['message', 'msg'],
        ['function_call', 'fc'],
        ['function_call_output', 'fco'],
        ['reasoning', 'rs'],
      ],
    );
    assert.deepEqual(data[0], {
      type: 'message',
      id: data[0]?.id,
      role: 'user',
      status: 'completed',
      content: [{ type: 'input_text', text: 'A' }],
    });
    assert.deepEqual(rest, { object: 'list', first_id: data[0]?.id, last_id: data.at(-1)?.id, has_more: false });
    assert.deepEqual(await have(door, 'GET', `/v1/conversations/${id}/items?order=asc`), added);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.bad',
  {
    says: 'no items, more than 20 or wrong ones are 422 and add nothing',
    source: 'openai 7.57.0 types: ItemCreateParams',
  },
  async (door) => {
    const id = await conversation(door);
    const add = (body: object) => ask(door, 'POST', `/v1/conversations/${id}/items`, body);
    for (const body of [{}, { items: [] }, { items: users(21) }, { items: 'Hi' }, { items: null }]) {
      await refuses(await add(body), { status: 422, code: 422, param: 'items' });
    }
    const wrong = { status: 422, code: 422, param: 'items[1].role' };
    await refuses(await add({ items: [user('A'), { role: 'nobody', content: 'Hi' }] }), wrong);
    assert.deepEqual(await contents(door, id), []);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.order',
  { says: 'items are listed newest first unless asked otherwise', source: 'openai 7.57.0 types: ItemListParams' },
  async (door) => {
    const id = await conversation(door, { items: users(2) });
    await have(door, 'POST', `/v1/conversations/${id}/items`, { items: users(2, 2) });
    assert.deepEqual(await contents(door, id), ['user: 0', 'user: 1', 'user: 2', 'user: 3']);
    const newest = await have<List>(door, 'GET', `/v1/conversations/${id}/items`);
    const oldest = await have<List>(door, 'GET', `/v1/conversations/${id}/items?order=asc`);
    assert.deepEqual(newest.data, oldest.data.toReversed());
    assert.deepEqual([newest.first_id, newest.last_id], [oldest.last_id, oldest.first_id]);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.empty-list',
  { says: 'an empty conversation lists nothing, its ids null', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door);
    const empty = { object: 'list', data: [], first_id: null, last_id: null, has_more: false };
    assert.deepEqual(await have(door, 'GET', `/v1/conversations/${id}/items`), empty);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.bad-query',
  { says: 'a wrong limit, order or after is 422 and names it', source: 'openai 7.57.0 types: ItemListParams' },
  async (door) => {
    const id = await conversation(door, { items: users(1) });
    const other = await conversation(door, { items: [user('A', 'msg_other')] });
    assert.deepEqual(await contents(door, other), ['user: A']);
    const wrong: [param: string, values: string[]][] = [
      ['limit', ['0', '101', '-1', '1.5', 'x']],
      ['order', ['up']],
      ['after', ['msg_nobody', 'msg_other', id]],
    ];
    for (const [param, values] of wrong) {
      for (const value of values) {
        const reply = await ask(door, 'GET', `/v1/conversations/${id}/items?${param}=${value}`);
        await refuses(reply, { status: 422, code: 422, param });
      }
    }
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.retrieve',
  { says: 'an item can be had alone', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door, { items: [user('A', 'msg_a'), user('B', 'msg_b')] });
    const { data } = await have<List>(door, 'GET', `/v1/conversations/${id}/items?order=asc`);
    for (const item of data) {
      assert.deepEqual(await have(door, 'GET', `/v1/conversations/${id}/items/${item.id}`), item);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.unknown',
  { says: "an unknown item, or another conversation's, is 404", source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door, { items: users(1) });
    await conversation(door, { items: [user('A', 'msg_elsewhere')] });
    for (const item of ['msg_nobody', 'msg_elsewhere', 'x'.repeat(4000), '👍']) {
      const path = `/v1/conversations/${id}/items/${item}`;
      await nowhere(door, `GET ${path}`, `DELETE ${path}`);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.delete',
  {
    says: 'a deleted item is gone from the list and from what the model sees',
    source: 'openai 7.57.0 types: Items.delete',
  },
  async (door) => {
    const items = [user('A', 'msg_a'), user('B', 'msg_b'), user('C', 'msg_c')];
    const id = await conversation(door, { items, metadata: { a: 'b' } });
    const path = `/v1/conversations/${id}/items/msg_b`;
    assert.deepEqual(await have(door, 'DELETE', path), await have(door, 'GET', `/v1/conversations/${id}`));
    await nowhere(door, `GET ${path}`, `DELETE ${path}`);
    assert.deepEqual(await contents(door, id), ['user: A', 'user: C']);
    const model = door.model.script(says('one'), says('two'));
    const { output } = await create(door, { model, input: 'D', conversation: id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'user: C', 'user: D']);

    await have(door, 'DELETE', `/v1/conversations/${id}/items/${output[0]?.id}`);
    await create(door, { model, input: 'E', conversation: id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'user: C', 'user: D', 'user: E']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.delete-made',
  { says: 'a response keeps its item that was deleted from the conversation', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door);
    const model = door.model.script(says('B'), says('D'));
    const response = await create(door, { model, input: 'A', conversation: id });
    await have(door, 'DELETE', `/v1/conversations/${id}/items/${response.output[0]?.id}`);
    assert.deepEqual(await contents(door, id), ['user: A']);
    assert.deepEqual(await stored(door, response.id), response);
    await create(door, { model, input: 'C', previous_response_id: response.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: B', 'user: C']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.delete-call',
  {
    says: 'an output whose call was deleted is refused by the next turn',
    source: 'docs/edge-cases.md: 23 (codex2api#414)',
  },
  async (door) => {
    const call = { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '{}' };
    const output = { type: 'function_call_output', call_id: 'c1', output: 'one' };
    const id = await conversation(door, { items: [call, output] });
    await have(door, 'DELETE', `/v1/conversations/${id}/items/fc_1`);
    const message = 'No tool call found for function call output with call_id c1.';
    await turnRefused(door, { conversation: id }, { status: 400, code: null, param: 'input', message });
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.delete-last',
  {
    says: 'after the last item is deleted others can be added, with its id as well',
    source: 'openai 7.57.0 types: Items.delete',
  },
  async (door) => {
    const id = await conversation(door, { items: [user('A', 'msg_a'), user('B', 'msg_b')] });
    const path = `/v1/conversations/${id}/items`;
    await have(door, 'DELETE', `${path}/msg_b`);
    await have(door, 'POST', path, { items: [user('C')] });
    assert.deepEqual(await contents(door, id), ['user: A', 'user: C']);
    await have(door, 'POST', path, { items: [user('B again', 'msg_b')] });
    assert.deepEqual(await contents(door, id), ['user: A', 'user: C', 'user: B again']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.id-taken',
  {
    says: 'an item whose id the conversation has is 400, and nothing is added',
    source: 'docs/edge-cases.md: 24 (vercel/ai#15492)',
  },
  async (door) => {
    const id = await conversation(door, { items: [user('A', 'msg_a')] });
    const other = await conversation(door, { items: [user('A', 'msg_a')] });
    const add = (...items: object[]) => ask(door, 'POST', `/v1/conversations/${id}/items`, { items });
    const refused = { status: 400, code: null };
    await refusesWithin(await add(user('B'), user('C', 'msg_a')), refused, /^(items|null)/);
    await refusesWithin(await add(user('B', 'msg_new'), user('C', 'msg_new')), refused, /^(items|null)/);
    assert.deepEqual(await contents(door, id), ['user: A']);
    assert.deepEqual(await contents(door, other), ['user: A']);
  },
  NEEDS_HEADERS,
);
