import assert from 'node:assert/strict';
import { says } from '../support/model/scripted.ts';
import { create } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { contents, conversation, have, modelInput, nowhere, requestsTo, stored, turnRefused } from './state-ask.ts';

promise(
  'delete.reply',
  { says: 'DELETE says what it has deleted', source: 'docs/state.md' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')) });
    assert.deepEqual(await have(door, 'DELETE', `/v1/responses/${id}`), { id, object: 'response', deleted: true });
  },
  NEEDS_HEADERS,
);

promise(
  'delete.gone',
  { says: 'a deleted response is 404 in every way', source: 'docs/state.md' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')) });
    await have(door, 'DELETE', `/v1/responses/${id}`);
    await nowhere(door, ...requestsTo('responses', id));
  },
  NEEDS_HEADERS,
);

promise(
  'delete.not-continued',
  { says: 'a deleted response cannot be continued, and reads like one that never was', source: 'docs/state.md' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('Hello')) });
    const notFound = { status: 400, code: 'previous_response_not_found', param: 'previous_response_id' };
    await have(door, 'DELETE', `/v1/responses/${id}`);
    const deleted = await turnRefused(door, { previous_response_id: id }, notFound);
    const unknown = await turnRefused(door, { previous_response_id: 'resp_nobody' }, notFound);
    assert.equal(deleted.replace(id, 'resp_nobody'), unknown, 'deleted and unknown read alike');
  },
  NEEDS_HEADERS,
);

promise(
  'delete.built-on',
  { says: 'a response goes on reading what it was built on, deleted since', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'), says('three'));
    const first = await create(door, { model, input: 'A' });
    const second = await create(door, { model, input: 'B', previous_response_id: first.id });
    await have(door, 'DELETE', `/v1/responses/${first.id}`);
    assert.deepEqual(await stored(door, second.id), second);
    await create(door, { model, input: 'C', previous_response_id: second.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B', 'assistant: two', 'user: C']);
  },
  NEEDS_HEADERS,
);

promise(
  'delete.sibling',
  { says: 'deleting a response leaves its parent and its siblings', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'), says('three'), says('four'));
    const root = await create(door, { model, input: 'A' });
    const gone = await create(door, { model, input: 'B', previous_response_id: root.id });
    const other = await create(door, { model, input: 'C', previous_response_id: root.id });
    await have(door, 'DELETE', `/v1/responses/${gone.id}`);
    assert.deepEqual(await stored(door, root.id), root);
    await create(door, { model, input: 'D', previous_response_id: other.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: C', 'assistant: three', 'user: D']);
  },
  NEEDS_HEADERS,
);

promise(
  'delete.in-conversation',
  { says: 'what a deleted response gave to a conversation stays in it', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door);
    const model = door.model.script(says('B'), says('D'));
    const first = await create(door, { model, input: 'A', conversation: id });
    await have(door, 'DELETE', `/v1/responses/${first.id}`);
    assert.deepEqual(await contents(door, id), ['user: A', 'assistant: B']);
    await create(door, { model, input: 'C', conversation: id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: B', 'user: C']);
  },
  NEEDS_HEADERS,
);
