import assert from 'node:assert/strict';
import { calls } from '../coverage/example-items.ts';
import { surfaceRows } from '../coverage/surface.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { create, refuses, stream } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_TEST_TOOL, promise } from './promise.ts';
import { ask, conversation, have, type List } from './state-ask.ts';
import { fits, listAll, showsRows } from './surface-ask.ts';
import { scenes } from './surface-scenes.ts';

promise(
  'surface.output-items',
  {
    says: 'items that a model makes have exactly the members of their types, as they begin and as they are done',
    source: 'openai 7.57.0 types: ResponseOutputItem',
  },
  async (door) => {
    const events = (await scenes(door)).flatMap((stream) => stream.events);
    const items = events.flatMap((event) => ('item' in event ? [event.item] : []));
    fits('ResponseOutputItem', ...items);
    showsRows('surface.output-items', [['output items', items]]);
  },
  NEEDS_HEADERS,
);

promise(
  'surface.events',
  {
    says: 'events have exactly the members of their types, live and in a replayed stream',
    source: 'openai 7.57.0 types: ResponseStreamEvent',
  },
  async (door) => {
    const events = (await scenes(door)).flatMap((stream) => stream.events);
    fits('ResponseStreamEvent', ...events);
    showsRows('surface.events', [['events', events]]);
  },
  NEEDS_HEADERS,
);

promise(
  'surface.tool-events',
  { says: 'so have the events of server-side tools', source: 'openai 7.57.0 types: ResponseStreamEvent' },
  async (door) => {
    const add = { name: 'add', args: '{"a":2,"b":3}', id: 'c1' };
    const model = door.model.script(callsFunctions(add, { name: 'cite', args: '{}', id: 'c2' }), says('See X.'));
    const { events } = await stream(door, { model, tools: [{ type: 'test_tool' }] });
    const ownEvents = events.filter((event) => !('response' in event));
    fits('ResponseStreamEvent', ...ownEvents);
    showsRows('surface.tool-events', [['events', ownEvents]]);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'surface.response',
  {
    says: 'a response has exactly the members of its type, wherever it stands',
    source: 'openai 7.57.0 types: Response',
  },
  async (door) => {
    const events = (await scenes(door)).flatMap((stream) => stream.events);
    const responses = events.flatMap((event) => ('response' in event ? [event.response] : []));
    fits('Response', ...responses);
    showsRows('surface.response', [['response', responses]]);
  },
  NEEDS_HEADERS,
);

promise(
  'surface.lists',
  {
    says: 'lists and conversations have exactly the members of their types',
    source: 'openai 7.57.0 types: ResponseItemList, ConversationItemList, Conversation',
  },
  async (door) => {
    const made = await have<{ id: string }>(door, 'POST', '/v1/conversations', { metadata: { a: 'b' } });
    const path = `/v1/conversations/${made.id}`;
    const added = await have(door, 'POST', `${path}/items`, { items: [{ role: 'user', content: 'Hi' }] });
    const items = await have(door, 'GET', `${path}/items`);
    const { id } = await create(door, { model: door.model.script(says('ok')) });
    const input = await have(door, 'GET', `/v1/responses/${id}/input_items`);
    const gone = await have(door, 'DELETE', path);
    fits('Conversation', made);
    fits('ConversationItemList', added, items);
    fits('ResponseItemList', input);
    fits('ConversationDeletedResource', gone);
    showsRows('surface.lists', [
      ['lists', [added, items, input]],
      ['conversations', [made, gone]],
    ]);
  },
  NEEDS_HEADERS,
);

const values = surfaceRows().flatMap(({ group, name }) => (group === 'include' ? [name] : []));
const image = { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'auto' };
const [computerCall, computerOutput] = calls.find(([{ type }]) => type === 'computer_call') ?? assert.fail();

promise(
  'surface.include',
  {
    says: 'every value of include is taken; what only hosted tools could add is not there',
    source: 'openai 7.57.0 types: ResponseIncludable',
  },
  async (door) => {
    const input = [{ role: 'user', content: [image] }, computerCall, computerOutput];
    const reasoning = { type: 'reasoning', content: ['Hm.'] };
    for (const include of [[], ...values.map((value) => [value]), values]) {
      const { id, output } = await create(door, {
        model: door.model.native(answers(reasoning, message('Hi'))),
        input,
        include,
      });
      const [thought] = output;
      assert.equal('encrypted_content' in (thought ?? {}), include.includes('reasoning.encrypted_content'));
      const [asked, , seen] = await listAll(door, `/v1/responses/${id}/input_items`);
      assert.deepEqual(asked?.content, [image]);
      assert.deepEqual(seen?.output, computerOutput.output);
    }
    showsRows('surface.include', [
      ['include', values],
      ['parameters', [{ include: values }]],
    ]);
  },
  NEEDS_HEADERS,
);

promise(
  'surface.include-query',
  {
    says: 'every value of include is taken wherever something is read, and no other',
    source: 'openai 7.57.0 types: ItemListParams',
  },
  async (door) => {
    const id = await conversation(door, { items: [{ id: 'msg_mine', role: 'user', content: [image] }] });
    const made = await create(door, { model: door.model.script(says('ok')) });
    const items = `/v1/conversations/${id}/items`;
    const paths = [`/v1/responses/${made.id}`, `/v1/responses/${made.id}/input_items`, items, `${items}/msg_mine`];
    for (const path of paths) {
      const plain = await have(door, 'GET', path);
      for (const value of values) assert.deepEqual(await have(door, 'GET', `${path}?include[]=${value}`), plain);
      assert.deepEqual(
        await have(door, 'GET', `${path}?${values.map((value) => `include=${value}`).join('&')}`),
        plain,
      );
      const wrong = await ask(door, 'GET', `${path}?include=everything`);
      await refuses(wrong, { status: 422, code: 422, param: 'include[0]' });
    }
    const body = { items: [{ role: 'user', content: 'Hi' }] };
    await have<List>(door, 'POST', `${items}?include[]=${values[0]}`, body);
    const wrong = await ask(door, 'POST', `${items}?include=everything`, body);
    await refuses(wrong, { status: 422, code: 422, param: 'include[0]' });
  },
  NEEDS_HEADERS,
);
