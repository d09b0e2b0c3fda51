import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import { callsFunctions, says, sends } from '../support/model/scripted.ts';
import { create, refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask, conversation, have, type List, stored } from './state-ask.ts';

const source = 'docs/api.md: Lists';

interface Listed {
  id: string;
  created_at: number;
  metadata: Record<string, string>;
  made_by: string | null;
  request_id: string | null;
}

interface Page extends Omit<List, 'data'> {
  data: Listed[];
}

type Resource = 'responses' | 'conversations';

/** A pair that nothing else has: other promises store at the same time. */
const tag = () => ({ run: crypto.randomUUID() });

function list(door: Door, resource: Resource, filters: Record<string, string | number>): Promise<Page> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) query.set(name, String(value));
  return have(door, 'GET', `/v1/${resource}?${query}`);
}

/** The ids of a whole list, page by page. */
async function ids(door: Door, resource: Resource, filters: Record<string, string | number>): Promise<string[]> {
  const found: string[] = [];
  let after: string | null = null;
  for (;;) {
    const page: Page = await list(door, resource, { ...filters, ...(after && { after }) });
    found.push(...page.data.map(({ id }) => id));
    if (!page.has_more) return found;
    assert.ok(page.last_id && page.last_id !== after, 'a page leads on');
    after = page.last_id;
  }
}

/** Ids in the order of a list: those of one millisecond in that of their ids. */
function newestFirst(...ids: (string | undefined)[]) {
  return ids.toSorted().toReversed();
}

/** Responses with a tag, oldest first. */
async function responses(door: Door, count: number, body: object = {}) {
  const metadata = tag();
  const model = door.model.script(says('Hello'));
  const made: string[] = [];
  for (let n = 0; n < count; n++) {
    made.push((await create(door, { model, ...body, metadata: { ...metadata, n: `${n % 2}` } })).id);
  }
  return { model, made, pair: { 'metadata[run]': metadata.run }, metadata };
}

promise(
  'lists.pages',
  { says: 'pages of any size give every response and conversation once, both ways', source },
  async (door) => {
    const { made, pair, metadata } = await responses(door, 7);
    const begun: string[] = [];
    for (let n = 0; n < 7; n++) begun.push(await conversation(door, { metadata }));
    for (const [resource, all] of [
      ['responses', made],
      ['conversations', begun],
    ] as const) {
      const oldestFirst = newestFirst(...all).toReversed();
      for (const limit of [1, 3, 7, 100]) {
        assert.deepEqual(await ids(door, resource, { ...pair, limit, order: 'asc' }), oldestFirst);
        assert.deepEqual(await ids(door, resource, { ...pair, limit }), oldestFirst.toReversed());
      }
      const page = await list(door, resource, { ...pair, limit: 3 });
      const { data, ...rest } = page;
      assert.deepEqual(
        data.map(({ id }) => id),
        oldestFirst.toReversed().slice(0, 3),
      );
      assert.deepEqual(rest, { object: 'list', first_id: oldestFirst[6], last_id: oldestFirst[4], has_more: true });
      assert.deepEqual(await list(door, resource, { 'metadata[run]': 'nowhere' }), {
        ...{ object: 'list', data: [], first_id: null, last_id: null, has_more: false },
      });
    }
  },
  NEEDS_HEADERS,
);

promise(
  'lists.whole',
  { says: 'a listed object is as it is read by its id, with who made it', source },
  async (door) => {
    const metadata = tag();
    const model = door.model.script(callsFunctions({ name: 'f', args: '{}' }));
    const tools = [{ type: 'function', name: 'f', parameters: { type: 'object' } }];
    const big = 'x'.repeat(200_000);
    const calling = await create(door, { model, metadata, tools, instructions: big });
    const talking = await create(door, { model: door.model.script(says(big)), metadata });
    const id = await conversation(door, { metadata });
    const pair = { 'metadata[run]': metadata.run };
    const { data } = await list(door, 'responses', { ...pair, order: 'asc' });
    assert.equal(data.length, 2);
    for (const [n, made] of [calling.id, talking.id].entries()) {
      const { made_by, request_id, ...response } = data[n] ?? assert.fail();
      assert.deepEqual(response, await stored(door, made));
      assert.equal(made_by, null);
      assert.match(String(request_id), /^[\x20-\x7e]+$/);
    }
    const [{ made_by, request_id, ...rest } = assert.fail()] = (await list(door, 'conversations', pair)).data;
    assert.deepEqual(rest, await have(door, 'GET', `/v1/conversations/${id}`));
    assert.deepEqual([made_by, typeof request_id], [null, 'string']);
  },
  NEEDS_HEADERS,
);

promise(
  'lists.filters',
  { says: 'a list has what fits all filters: metadata, model, status and time, exactly', source },
  async (door) => {
    const { model, made, pair, metadata } = await responses(door, 4);
    const other = door.model.script(says('Hello'));
    const elsewhere = await create(door, { model: other, metadata });
    const cut = await create(door, { model: door.model.script(sends([{ content: 'Hel' }], 'length')), metadata });
    const all = newestFirst(...made, elsewhere.id, cut.id);
    const find = (filters: object) => ids(door, 'responses', { ...pair, ...filters });
    assert.deepEqual(await find({}), all);
    assert.deepEqual(await find({ 'metadata[n]': '1' }), newestFirst(made[3], made[1]));
    assert.deepEqual(await find({ 'metadata[n]': '2' }), []);
    assert.deepEqual(await find({ model }), newestFirst(...made));
    assert.deepEqual(await find({ model: other }), [elsewhere.id]);
    assert.deepEqual(await find({ model: `${model.slice(0, -1)}*` }), [], 'no pattern');
    assert.deepEqual(await ids(door, 'responses', { model: other }), [elsewhere.id]);
    assert.deepEqual(await find({ status: 'incomplete' }), [cut.id]);
    assert.deepEqual(await find({ status: 'completed', 'metadata[n]': '0', model }), newestFirst(made[2], made[0]));
    assert.deepEqual(await find({ status: 'queued' }), []);
    assert.deepEqual(await find({ user: 'nobody' }), []);
    const { created_at: first } = await stored(door, made[0] ?? '');
    const { created_at: last } = await stored(door, cut.id);
    assert.deepEqual(await find({ created_after: first, created_before: last + 1 }), all);
    assert.deepEqual(await find({ created_before: first }), []);
    assert.deepEqual(await find({ created_after: last + 1 }), []);
  },
  NEEDS_HEADERS,
);

promise(
  'lists.metadata',
  { says: 'a conversation is found by its metadata of now, and any text in it', source },
  async (door) => {
    const { run } = tag();
    const odd = { [`${run} '&=[]%`]: '👍 ', empty: '' };
    const id = await conversation(door, { metadata: { run, ...odd } });
    const find = (filters: object) => ids(door, 'conversations', { ...filters });
    assert.deepEqual(await find({ 'metadata[run]': run }), [id]);
    assert.deepEqual(await find({ [`metadata[${run} '&=[]%]`]: '👍 ', 'metadata[empty]': '' }), [id]);
    await have(door, 'POST', `/v1/conversations/${id}`, { metadata: { run: `${run}-2` } });
    assert.deepEqual(await find({ 'metadata[run]': run }), []);
    assert.deepEqual(await find({ 'metadata[run]': `${run}-2` }), [id]);
    await have(door, 'POST', `/v1/conversations/${id}`, { metadata: null });
    assert.deepEqual(await find({ 'metadata[run]': `${run}-2` }), []);
    await refuses(await ask(door, 'POST', '/v1/conversations/conv_nobody', { metadata: { run } }), {
      status: 404,
      code: null,
    });
    assert.deepEqual(await find({ 'metadata[run]': run }), []);
  },
  NEEDS_HEADERS,
);

promise(
  'lists.search',
  { says: 'what has a response, conversation, item or request is found by the id of that', source },
  async (door) => {
    const model = door.model.script(says('Hello'));
    const item = { type: 'message', id: `msg_${crypto.randomUUID()}`, role: 'user', content: 'Hi' };
    const request = `request ${crypto.randomUUID()}`;
    const id = await conversation(door, { items: [item] });
    const alone = await create(door, { model, input: [item] });
    const reply = await door.fetch('/v1/responses', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': request },
      body: JSON.stringify({ model, input: 'Hi', conversation: id }),
    });
    const inside = (await reply.json()) as { id: string; output: { id: string }[] };
    const requestId = reply.headers.get('x-request-id') ?? '';
    const after = await create(door, { model, previous_response_id: inside.id });
    const find = (resource: Resource, id: string) => ids(door, resource, { id });
    assert.deepEqual(await find('responses', inside.id), [inside.id]);
    assert.deepEqual(await find('responses', inside.output[0]?.id ?? ''), [inside.id]);
    assert.deepEqual(await find('responses', item.id), [alone.id]);
    assert.deepEqual(await find('responses', id), newestFirst(after.id, inside.id), 'those that go on from it as well');
    assert.deepEqual(await find('responses', requestId), [inside.id]);
    assert.deepEqual(await find('conversations', id), [id]);
    assert.deepEqual(await find('conversations', item.id), [id]);
    assert.deepEqual(await find('conversations', inside.id), [id]);
    assert.deepEqual(await find('conversations', inside.output[0]?.id ?? ''), [id]);
    const [{ request_id: made } = assert.fail()] = (await list(door, 'conversations', { id })).data;
    assert.deepEqual(await find('conversations', made ?? ''), [id]);
    for (const nobody of ['resp_nobody', 'conv_nobody', 'msg_nobody', '👍']) {
      for (const resource of ['responses', 'conversations'] as const)
        assert.deepEqual(await find(resource, nobody), []);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'lists.deleted',
  { says: 'what was deleted or is not stored is in no list', source },
  async (door) => {
    const { model, made, pair, metadata } = await responses(door, 2);
    await create(door, { model, metadata, store: false });
    const [gone = '', kept] = made;
    const inside = await conversation(door, { metadata });
    await have(door, 'DELETE', `/v1/responses/${gone}`);
    await have(door, 'DELETE', `/v1/conversations/${inside}`);
    assert.deepEqual(await ids(door, 'responses', pair), [kept]);
    assert.deepEqual(await ids(door, 'responses', { id: gone }), []);
    for (const filters of [pair, { id: inside }]) assert.deepEqual(await ids(door, 'conversations', filters), []);
  },
  NEEDS_HEADERS,
);

promise(
  'lists.running',
  { says: 'a background response is in the list of its status', source },
  async (door) => {
    const metadata = tag();
    const model = door.model.script(says('Hello'));
    const { id } = await create(door, { model, metadata, background: true });
    const find = (status: string) => ids(door, 'responses', { status, 'metadata[run]': metadata.run });
    while ((await stored(door, id)).status !== 'completed') await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(await find('completed'), [id]);
    assert.deepEqual([...(await find('queued')), ...(await find('in_progress'))], []);
  },
  NEEDS_HEADERS,
);

promise(
  'lists.wrong',
  { says: 'a wrong filter, cursor or limit is refused by its name', source },
  async (door) => {
    const wrong = {
      limit: ['0', '101', 'x', ''],
      order: ['up'],
      after: ['', 'x', 'msg_1', 'resp_\u0000', '\u001f'],
      created_after: ['x', '-1', '1.5', '2026-01-01', '9'.repeat(12)],
      created_before: [''],
      user: ['', 'x'.repeat(257), '\u001f'],
      id: ['', 'x'.repeat(257), '\u0000'],
      model: ['', 'x'.repeat(257)],
      status: ['done', ''],
      'metadata[k]': ['x'.repeat(513), '\u0000'],
      [`metadata[${'k'.repeat(65)}]`]: ['v'],
      'metadata[__proto__]': ['v'],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        const reply = await door.fetch(`/v1/responses?${new URLSearchParams({ [name]: value })}`);
        const text = await reply.text();
        assert.equal(reply.status, 422, `${name}=${value}: ${text}`);
        assert.match(JSON.parse(text).error.param, new RegExp(`^${name.replace(/\[.*/s, '')}`), text);
      }
    }
    await refuses(await door.fetch('/v1/conversations?after=resp_1'), { status: 422, code: 422, param: 'after' });
  },
  NEEDS_HEADERS,
);
