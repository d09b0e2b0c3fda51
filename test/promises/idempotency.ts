import assert from 'node:assert/strict';
import { type Door, post } from '../support/doors/door.ts';
import { callsFunctions, hangs, replies, says, sends } from '../support/model/scripted.ts';
import { callOf, refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { ask, contents, conversation, longReply, stored, until } from './state-ask.ts';

let keys = 0;

/** A key that nobody has used. */
const newKey = () => `key-${process.pid}-${keys++}`;

/** Sends a request under a key. */
function under(door: Door, key: string, body: object, init: RequestInit = {}): Promise<Response> {
  return post(door, { input: 'Hi', ...body }, { ...init, headers: { 'idempotency-key': key, ...init.headers } });
}

/** Creates a response under a key; `again` is the header that marks a replay. */
async function createUnder(door: Door, key: string, body: object) {
  const reply = await under(door, key, body);
  const text = await reply.text();
  assert.equal(reply.status, 200, text);
  return { response: JSON.parse(text), again: reply.headers.get('idempotent-replayed') };
}

const calls = (door: Door, model: string) => door.model.calls(model).length;
const otherwise = { status: 422, code: 422, param: 'Idempotency-Key', message: /another request/ };
const running = { status: 409, code: 'idempotency_in_progress', param: 'Idempotency-Key' };

promise(
  'idempotency.again',
  { says: 'a create with a key that was used gets the response made then, and runs nothing', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const key = newKey();
    const first = await createUnder(door, key, { model, metadata: { a: 'b' } });
    const second = await createUnder(door, key, { model, metadata: { a: 'b' } });
    assert.deepEqual(second.response, first.response);
    assert.deepEqual([first.again, second.again], [null, 'true']);
    assert.equal(calls(door, model), 1);
    const other = await createUnder(door, newKey(), { model, metadata: { a: 'b' } });
    assert.notEqual(other.response.id, first.response.id);
    assert.equal(calls(door, model), 2);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.incomplete',
  { says: 'an incomplete response is given again, too', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(sends([{ content: 'Hel' }], 'length'), says('never'));
    const key = newKey();
    const first = await createUnder(door, key, { model });
    assert.equal(first.response.status, 'incomplete');
    assert.deepEqual((await createUnder(door, key, { model })).response, first.response);
    assert.equal(calls(door, model), 1);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.same-body',
  { says: 'the same request is known again by what it says, not by how it is written', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('one'));
    const key = newKey();
    const [a, b] = [
      { a: '1', b: '2' },
      { b: '2', a: '1' },
    ];
    const first = await createUnder(door, key, { model, metadata: a, temperature: 0.5, nobody_knows: 1 });
    const second = await under(door, key, {});
    await refuses(second, { status: 422, code: 422, param: 'model' });
    const body = `{"temperature": 5e-1, "top_p": null, "metadata":${JSON.stringify(b)}, "input":"H\\u0069", "model":"${model}"}`;
    const third = await post(door, body, { headers: { 'idempotency-key': key } });
    assert.deepEqual(await third.json(), first.response);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.other-body',
  { says: 'a used key with another body is 422 and names the header', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const key = newKey();
    await createUnder(door, key, { model });
    for (const body of [{ model, input: 'Ho' }, { model, stream: true }, { model, metadata: {} }, { model: 'demo' }]) {
      const reply = await under(door, key, body);
      assert.equal(reply.headers.get('x-should-retry'), 'false');
      await refuses(reply, otherwise);
    }
    assert.equal(calls(door, model), 1);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.running',
  {
    says: 'while the first is still running, the second is 409 idempotency_in_progress, to be tried again',
    source: 'docs/state.md',
  },
  async (door) => {
    const { script, begun, release } = longReply();
    const model = door.model.script(script);
    const key = newKey();
    const first = under(door, key, { model });
    await begun;
    const reply = await under(door, key, { model });
    assert.equal(reply.headers.get('x-should-retry'), 'true');
    assert.match(reply.headers.get('retry-after') ?? '', /^\d+$/);
    await refuses(reply, running);
    await refuses(await under(door, key, { model, input: 'Ho' }), otherwise);
    release();
    const response = await (await first).json();
    assert.deepEqual((await createUnder(door, key, { model })).response, response);
    assert.equal(calls(door, model), 1);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.race',
  { says: 'of eight creates with one key at once, one runs', source: 'docs/state.md' },
  async (door) => {
    const { script, begun, release } = longReply();
    const model = door.model.script(script);
    const key = newKey();
    const all = Array.from({ length: 8 }, () => under(door, key, { model }));
    await begun;
    let refused = 0;
    for (const reply of all) void reply.then(({ status }) => (refused += status === 409 ? 1 : 0));
    await until(() => refused === all.length - 1);
    release();
    const statuses = (await Promise.all(all)).map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, ...Array(7).fill(409)]);
    assert.equal(calls(door, model), 1);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.nothing-begun',
  { says: 'a request that was refused leaves its key free', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('one'));
    const key = newKey();
    await refuses(await under(door, key, { model, temperature: 3 }), { status: 422, code: 422, param: 'temperature' });
    await refuses(await under(door, key, { model, previous_response_id: 'resp_none' }), {
      status: 400,
      code: 'previous_response_not_found',
      param: 'previous_response_id',
    });
    assert.equal((await createUnder(door, key, { model })).again, null);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.failed',
  { says: 'a response that failed leaves its key free', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(replies(500, {}), replies(429, {}), says('three'));
    const key = newKey();
    await refuses(await under(door, key, { model }), { status: 500, code: 500 });
    await refuses(await under(door, key, { model }), {
      status: 429,
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
    });
    const third = await createUnder(door, key, { model });
    assert.equal(third.again, null);
    assert.deepEqual((await createUnder(door, key, { model })).response, third.response);
    assert.equal(calls(door, model), 3);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.left',
  { says: 'a response whose client has left leaves its key free', source: 'docs/state.md' },
  async (door) => {
    const { script, begun } = hangs();
    const model = door.model.script(script, says('two'));
    const key = newKey();
    const leaving = new AbortController();
    const first = under(door, key, { model, stream: true }, { signal: leaving.signal });
    first.then((reply) => reply.text()).catch(() => {});
    await begun;
    leaving.abort();
    await callOf(door, model).closed;
    let reply = await under(door, key, { model, stream: true });
    await until(async () => {
      if (reply.status === 409) reply = await under(door, key, { model, stream: true });
      return reply.status !== 409;
    });
    assert.equal(reply.headers.get('idempotent-replayed'), null);
    assert.match(await reply.text(), /two[\s\S]*response\.completed/);
    assert.equal(calls(door, model), 2);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.deleted',
  { says: 'a deleted response leaves its key free', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const key = newKey();
    const { response } = await createUnder(door, key, { model });
    await ask(door, 'DELETE', `/v1/responses/${response.id}`);
    const second = await createUnder(door, key, { model });
    assert.notEqual(second.response.id, response.id);
    assert.equal(second.again, null);
    assert.deepEqual((await createUnder(door, key, { model })).response, second.response);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.unstored',
  { says: 'with store: false a key is passed over', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    for (const key of ['k'.repeat(300), newKey()]) {
      await createUnder(door, key, { model, store: false });
      await createUnder(door, key, { model, store: false });
    }
    assert.equal(calls(door, model), 4);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.bad-key',
  { says: 'a key is 1 to 255 printable ASCII characters, else 422', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(says('one'));
    const refused = { status: 422, code: 422, param: 'Idempotency-Key' };
    for (const key of ['', 'k'.repeat(256), 'caf\u00e9']) await refuses(await under(door, key, { model }), refused);
    assert.equal(calls(door, model), 0);
    for (const key of [newKey().padEnd(255, '~ '), `${newKey()} "'%\\;--`]) {
      const first = await createUnder(door, key, { model });
      assert.deepEqual((await createUnder(door, key, { model })).response, first.response);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.conversation',
  {
    says: 'a turn of a conversation that is sent again adds nothing to it, and is not refused by its own lock',
    source: 'docs/state.md',
  },
  async (door) => {
    const id = await conversation(door);
    const { script, begun, release } = longReply('one');
    const model = door.model.script(script, says('two'));
    const [key, another] = [newKey(), newKey()];
    const first = under(door, key, { model, conversation: id });
    await begun;
    await refuses(await under(door, key, { model, conversation: id }), running);
    const locked = { status: 400, code: 'conversation_locked', param: 'conversation' };
    await refuses(await under(door, another, { model, conversation: id }), locked);
    release();
    await (await first).text();
    await createUnder(door, key, { model, conversation: id });
    assert.deepEqual(
      (await contents(door, id)).map((line) => line.replace(/\.+$/, '')),
      ['user: Hi', 'assistant: one'],
    );
    await createUnder(door, another, { model, conversation: id });
    assert.equal((await contents(door, id)).length, 4);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.chain',
  { says: 'a response that was given again is gone on from as any other', source: 'docs/state.md' },
  async (door) => {
    const tools = [{ type: 'function', name: 'f' }];
    const model = door.model.script(callsFunctions({ name: 'f', args: '{"a":1}', id: 'c1' }), says('done'));
    const [key, another] = [newKey(), newKey()];
    const { response } = await createUnder(door, key, { model, tools });
    const again = await createUnder(door, key, { model, tools });
    assert.equal(again.response.id, response.id);
    const input = [{ type: 'function_call_output', call_id: 'c1', output: 'one' }];
    const next = { model, tools, input, previous_response_id: again.response.id };
    const { response: last } = await createUnder(door, another, next);
    assert.deepEqual((await createUnder(door, another, next)).response, last);
    assert.deepEqual(await stored(door, last.id), last);
  },
  NEEDS_HEADERS,
);
