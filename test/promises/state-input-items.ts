import assert from 'node:assert/strict';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { create, refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask, have, type List, messages, textOf } from './state-ask.ts';

promise(
  'input-items.string',
  { says: 'a string input is listed as a user message', source: 'docs/state.md' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')), input: 'Hi' });
    const list = await have<List>(door, 'GET', `/v1/responses/${id}/input_items`);
    const item = list.data[0]?.id ?? '';
    assert.match(item, /^msg_\w+$/);
    assert.deepEqual(list, {
      object: 'list',
      data: [
        { type: 'message', id: item, role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'Hi' }] },
      ],
      first_id: item,
      last_id: item,
      has_more: false,
    });
  },
  NEEDS_HEADERS,
);

const mixed = [
  { role: 'user', content: 'A' },
  { type: 'message', id: 'msg_of-the-client', role: 'user', content: [{ type: 'input_text', text: 'B' }] },
  { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'C' }] },
  { type: 'reasoning', summary: [] },
  { type: 'reasoning', id: 'rs_of-the-client', summary: [] },
  { type: 'function_call', id: 'fc_of-the-client', call_id: 'c1', name: 'f', arguments: '{"a":1}' },
  { type: 'function_call', id: null, call_id: 'c2', name: 'f', arguments: '{}' },
  { type: 'function_call_output', id: 'fco_of-the-client', call_id: 'c1', output: 'one' },
  { type: 'function_call_output', call_id: 'c2', output: [{ type: 'input_text', text: 'two' }] },
];

promise(
  'input-items.ids',
  {
    says: "listed items keep the client's ids, and the others have stable ones by type",
    source: 'docs/edge-cases.md: 27 (praxis-proxy/ai#548)',
  },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')), input: mixed });
    const { data } = await have<List>(door, 'GET', `/v1/responses/${id}/input_items?order=asc`);
    assert.deepEqual(
      data.map((item) => [item.type, item.id.replace(/_[\da-f]+$/, '')]),
      [
        ['message', 'msg'],
        ['message', 'msg_of-the-client'],
        ['message', 'msg'],
        ['reasoning', 'rs'],
        ['reasoning', 'rs_of-the-client'],
        ['function_call', 'fc_of-the-client'],
        ['function_call', 'fc'],
        ['function_call_output', 'fco_of-the-client'],
        ['function_call_output', 'fco'],
      ],
    );
    assert.equal(new Set(data.map((item) => item.id)).size, data.length);
    const again = await have<List>(door, 'GET', `/v1/responses/${id}/input_items?order=asc`);
    assert.deepEqual(again.data, data);
  },
  NEEDS_HEADERS,
);

promise(
  'input-items.content',
  { says: 'listed items are the input items, contents as parts', source: 'openai 7.57.0 types: ResponseItem' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')), input: mixed });
    const { data } = await have<List>(door, 'GET', `/v1/responses/${id}/input_items?order=asc`);
    assert.partialDeepStrictEqual(data, [
      { role: 'user', content: [{ type: 'input_text', text: 'A' }] },
      { role: 'user', content: [{ type: 'input_text', text: 'B' }] },
      { role: 'assistant', content: [{ type: 'output_text', text: 'C' }] },
      { summary: [] },
      { summary: [] },
      { call_id: 'c1', name: 'f', arguments: '{"a":1}' },
      { call_id: 'c2', name: 'f', arguments: '{}' },
      { call_id: 'c1', output: 'one' },
      { call_id: 'c2', output: [{ type: 'input_text', text: 'two' }] },
    ]);
  },
  NEEDS_HEADERS,
);

promise(
  'input-items.order',
  {
    says: 'input items are listed newest first unless asked otherwise',
    source: 'openai 7.57.0 types: InputItemListParams',
  },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')), input: messages(3) });
    const path = `/v1/responses/${id}/input_items`;
    const newestFirst = ['message 2', 'message 1', 'message 0'];
    assert.deepEqual((await have<List>(door, 'GET', path)).data.map(textOf), newestFirst);
    assert.deepEqual((await have<List>(door, 'GET', `${path}?order=desc`)).data.map(textOf), newestFirst);
    assert.deepEqual((await have<List>(door, 'GET', `${path}?order=asc`)).data.map(textOf), newestFirst.reverse());
  },
  NEEDS_HEADERS,
);

promise(
  'input-items.own',
  { says: "only the response's own input is listed", source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(callsFunctions({ name: 'f', args: '{}', id: 'c1' }), says('done'));
    const first = await create(door, { model, input: 'A', tools: [{ type: 'function', name: 'f' }] });
    const input = [{ type: 'function_call_output', call_id: 'c1', output: 'one' }];
    const second = await create(door, { model, input, previous_response_id: first.id });
    const { data } = await have<List>(door, 'GET', `/v1/responses/${second.id}/input_items`);
    assert.equal(data.length, 1);
    assert.partialDeepStrictEqual(data, input);
  },
  NEEDS_HEADERS,
);

promise(
  'input-items.default-page',
  {
    says: 'a page has 20 items by default; the one after the last is empty',
    source: 'openai 7.57.0 types: CursorPageParams',
  },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')), input: messages(21) });
    const path = `/v1/responses/${id}/input_items`;
    const first = await have<List>(door, 'GET', path);
    assert.equal(first.data.length, 20);
    assert.equal(first.has_more, true);
    const second = await have<List>(door, 'GET', `${path}?after=${first.last_id}`);
    assert.deepEqual(second.data.map(textOf), ['message 0']);
    assert.equal(second.has_more, false);
    assert.deepEqual(await have(door, 'GET', `${path}?after=${second.last_id}`), {
      object: 'list',
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    });
  },
  NEEDS_HEADERS,
);

promise(
  'input-items.bad-query',
  { says: 'a wrong limit, order or after is 422 and names it', source: 'openai 7.57.0 types: InputItemListParams' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')) });
    const wrong: [param: string, values: string[]][] = [
      ['limit', ['0', '101', '-1', '1.5', 'x', '99999999999999999999']],
      ['order', ['up', 'ASC']],
      ['after', ['msg_nobody', id, '👍', "'"]],
    ];
    for (const [param, values] of wrong) {
      for (const value of values) {
        const reply = await ask(door, 'GET', `/v1/responses/${id}/input_items?${param}=${encodeURIComponent(value)}`);
        await refuses(reply, { status: 422, code: 422, param });
      }
    }
  },
  NEEDS_HEADERS,
);

promise(
  'input-items.after-elsewhere',
  { says: 'after may name only an item of the list', source: 'openai 7.57.0 types: CursorPageParams' },
  async (door) => {
    const model = door.model.script(says('Hello'));
    const first = await create(door, { model, input: 'A' });
    const second = await create(door, { model, input: 'B', previous_response_id: first.id });
    const { last_id } = await have<List>(door, 'GET', `/v1/responses/${first.id}/input_items`);
    for (const after of [last_id, second.output[0]?.id]) {
      const reply = await ask(door, 'GET', `/v1/responses/${second.id}/input_items?after=${after}`);
      await refuses(reply, { status: 422, code: 422, param: 'after' });
    }
  },
  NEEDS_HEADERS,
);
