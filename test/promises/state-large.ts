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
  messages,
  modelInput,
  nowhere,
  stored,
  textOf,
  turnRefused,
} from './state-ask.ts';

const ODD_TEXT = 'Grüße 👩‍👩‍👧 \u2028 "\\" \u0000 \ud83d x \ude00 漢字';

/** More than fits one row of any database, with pairs of surrogates wherever it may be cut. */
const LARGE = `${ODD_TEXT}${'0123456789 👍 '.repeat(46_000)}${ODD_TEXT}`;
assert.ok(LARGE.length > 600_000);

promise(
  'stored.any-text',
  { says: 'NUL, lone surrogates and emoji are stored unchanged', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says(ODD_TEXT));
    const response = await create(door, {
      model,
      input: ODD_TEXT,
      instructions: ODD_TEXT,
      metadata: { [ODD_TEXT]: ODD_TEXT },
    });
    assert.equal(response.instructions, ODD_TEXT);
    assert.partialDeepStrictEqual(response.output, [{ content: [{ text: ODD_TEXT }] }]);
    assert.deepEqual(await stored(door, response.id), response);
    const { data } = await have<List>(door, 'GET', `/v1/responses/${response.id}/input_items`);
    assert.deepEqual(data[0]?.content, [{ type: 'input_text', text: ODD_TEXT }]);
  },
  NEEDS_HEADERS,
);

promise(
  'stored.large',
  {
    says: 'texts of over 600,000 characters are stored unchanged, and go to the model unchanged',
    source: 'docs/state.md',
  },
  async (door) => {
    const pieces = LARGE.match(/[\s\S]{1,65535}/g) ?? []; // pairs are cut in two, as models may
    const model = door.model.script(says(...pieces), says('short'));
    const response = await create(door, { model, input: LARGE });
    assert.partialDeepStrictEqual(response.output, [{ content: [{ text: LARGE }] }]);
    assert.deepEqual(await stored(door, response.id), response);
    const { data } = await have<List>(door, 'GET', `/v1/responses/${response.id}/input_items`);
    assert.deepEqual(data[0]?.content, [{ type: 'input_text', text: LARGE }]);

    await create(door, { model, input: 'And now?', previous_response_id: response.id });
    assert.deepEqual(door.model.calls(model)[1]?.body.messages, [
      { role: 'user', content: LARGE },
      { role: 'assistant', content: LARGE },
      { role: 'user', content: 'And now?' },
    ]);
  },
  NEEDS_HEADERS,
);

promise(
  'stored.large-body',
  { says: 'instructions and tools that are larger than a row are stored unchanged', source: 'docs/state.md' },
  async (door) => {
    const tools = [{ type: 'function', name: 'f', parameters: { type: 'object', description: LARGE } }];
    const model = door.model.script(says('one'));
    const response = await create(door, { model, instructions: LARGE, tools });
    assert.equal(response.instructions, LARGE);
    assert.deepEqual(await stored(door, response.id), response);
  },
  NEEDS_HEADERS,
);

promise(
  'stored.many-items',
  { says: 'an input of a thousand items is stored and goes on in its order', source: 'docs/state.md' },
  async (door) => {
    const input = messages(1000);
    const model = door.model.script(says('one'), says('two'));
    const { id } = await create(door, { model, input });
    const { data } = await have<List>(door, 'GET', `/v1/responses/${id}/input_items?limit=100`);
    const sent = input.map(({ content }) => content);
    assert.deepEqual(data.map(textOf), sent.slice(900).toReversed());
    await create(door, { model, input: 'And?', previous_response_id: id });
    assert.deepEqual(modelInput(door, model), [...sent.map((text) => `user: ${text}`), 'assistant: one', 'user: And?']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-items.large',
  { says: 'an item of over 600,000 characters is stored, listed, sent on and deleted', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door, { items: [{ id: 'msg_large', role: 'user', content: LARGE }] });
    const path = `/v1/conversations/${id}/items`;
    const { data } = await have<List>(door, 'GET', path);
    assert.deepEqual(data.map(textOf), [LARGE]);
    assert.deepEqual(await have(door, 'GET', `${path}/msg_large`), data[0]);
    const model = door.model.script(says('one'), says('two'));
    await create(door, { model, input: 'A', conversation: id });
    assert.deepEqual(modelInput(door, model), [`user: ${LARGE}`, 'user: A']);
    await have(door, 'DELETE', `${path}/msg_large`);
    await nowhere(door, `GET ${path}/msg_large`);
    await create(door, { model, input: LARGE, conversation: id });
    assert.deepEqual(await contents(door, id), ['user: A', 'assistant: one', `user: ${LARGE}`, 'assistant: two']);
  },
  NEEDS_HEADERS,
);

/** Three of them are more than the tests' `limits.history`, and two are not. */
const THIRD = 'x'.repeat(1_200_000);
const third = { role: 'user', content: THIRD };
const tooLarge = (param: string) => ({ status: 400, code: 'context_length_exceeded', param });

promise(
  'stored.too-large',
  {
    says: 'a history beyond limits.history is 400 context_length_exceeded before the model is called, by what named it',
    source: 'docs/limits.md',
  },
  async (door) => {
    const model = door.model.script(says('one'));
    const first = await create(door, { model, input: [third, third] });
    const second = await create(door, { model, input: [third], previous_response_id: first.id });
    const chain = { previous_response_id: second.id };
    const id = await conversation(door, { items: [third, third] });
    await create(door, { model, input: 'A', conversation: id });
    await have(door, 'POST', `/v1/conversations/${id}/items`, { items: [third] });
    for (const [named, param] of [
      [chain, 'previous_response_id'],
      [{ conversation: id }, 'conversation'],
    ] as const) {
      await turnRefused(door, named, tooLarge(param));
      await turnRefused(door, { ...named, background: true }, tooLarge(param));
      const counted = await ask(door, 'POST', '/v1/responses/input_tokens', { model, input: 'A', ...named });
      await refuses(counted, { type: 'invalid_request_error', ...tooLarge(param) });
    }
    await create(door, { model, input: 'A', previous_response_id: first.id, store: false });
    const { data } = await have<List>(door, 'GET', `/v1/conversations/${id}/items?limit=2`);
    const next = await have<List>(door, 'GET', `/v1/conversations/${id}/items?limit=9&after=${data[1]?.id}`);
    const refers = [...data, ...next.data].map((item) => ({ type: 'item_reference', id: item.id }));
    await turnRefused(door, { input: refers }, tooLarge('input'));
  },
  NEEDS_HEADERS,
);

promise(
  'stored.large-pages',
  {
    says: 'a page of items ends before it passes limits.history, and the next one goes on from there',
    source: 'docs/limits.md',
  },
  async (door) => {
    const id = await conversation(door, { items: [{ role: 'user', content: 'first' }, third, third] });
    const path = `/v1/conversations/${id}/items?limit=100&order=asc`;
    for (const item of [third, { role: 'user', content: `${THIRD}${THIRD}${THIRD}` }]) {
      await have(door, 'POST', `/v1/conversations/${id}/items`, { items: [item] });
    }
    const pages: number[] = [];
    for (let after = ''; ; ) {
      const page = await have<List>(door, 'GET', `${path}${after}`);
      pages.push(page.data.length);
      if (!page.has_more) break;
      after = `&after=${page.last_id}`;
    }
    assert.deepEqual(pages, [3, 1, 1]);
    const short = await have<List>(door, 'GET', `/v1/conversations/${id}/items?limit=2&order=asc`);
    assert.deepEqual([short.data.length, short.has_more], [2, true]);
  },
  NEEDS_HEADERS,
);
