import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import { says } from '../support/model/scripted.ts';
import { create } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { conversation, have, type Item, type List, messages, textOf } from './state-ask.ts';

promise(
  'input-items.pages',
  { says: 'pages of any size give every input item once, both ways', source: 'docs/edge-cases.md: 27 (ogx#5723)' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')), input: messages(45) });
    const path = `/v1/responses/${id}/input_items`;
    const oldestFirst = messages(45).map(({ content }) => content);
    for (const limit of [1, 7, 20, 45, 100]) {
      assert.deepEqual((await walk(door, path, limit, 'asc')).map(textOf), oldestFirst);
      assert.deepEqual((await walk(door, path, limit, 'desc')).map(textOf), oldestFirst.toReversed());
    }
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.pages',
  {
    says: 'pages of any size give every item once, both ways, however the items were added',
    source: 'docs/edge-cases.md: 27 (ogx#5723)',
  },
  async (door) => {
    const id = await conversation(door, { items: messages(20) });
    const path = `/v1/conversations/${id}/items`;
    await have(door, 'POST', path, { items: messages(20, 20) });
    await have(door, 'POST', path, { items: messages(5, 40) });
    const { data } = await have<List>(door, 'GET', `${path}?order=asc&limit=100`);
    assert.equal(data.length, 45);
    for (const limit of [1, 7, 20, 45, 100]) {
      assert.deepEqual(await walk(door, path, limit, 'asc'), data);
      assert.deepEqual(await walk(door, path, limit, 'desc'), data.toReversed());
    }
    assert.deepEqual((await have<List>(door, 'GET', path)).data, data.toReversed().slice(0, 20));
  },
  NEEDS_HEADERS,
);

/** Walks a list to its end by `after`, and holds every page to be whole and to say so. */
async function walk(door: Door, path: string, limit: number, order: 'asc' | 'desc'): Promise<Item[]> {
  const items: Item[] = [];
  for (;;) {
    const after = items.length > 0 ? `&after=${items.at(-1)?.id}` : '';
    const page = await have<List>(door, 'GET', `${path}?limit=${limit}&order=${order}${after}`);
    const { data, ...rest } = page;
    assert.ok(!data.some(({ id }) => items.some((item) => item.id === id)), 'no item comes twice');
    items.push(...data);
    assert.deepEqual(rest, {
      object: 'list',
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: rest.has_more,
    });
    if (!rest.has_more) return items;
    assert.equal(data.length, limit, 'a page that is not the last is full');
  }
}
