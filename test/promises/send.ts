import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { replies, type Script, says } from '../support/model/scripted.ts';
import { tells, text } from '../support/model/scripted-messages.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { NEEDS_SOCKET, openSocket } from '../support/socket.ts';
import { refuses } from './ask.ts';
import { ended } from './background.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

const protocols: Record<string, { script: Script; count: string; answer: object }> = {
  chat: { script: says('ok'), count: '/v1/chat/completions/input_tokens', answer: { input_tokens: 42 } },
  responses: { script: answers(message('ok')), count: '/v1/responses/input_tokens', answer: { input_tokens: 42 } },
  anthropic: { script: tells(text('ok')), count: '/v1/messages/count_tokens', answer: { input_tokens: 42 } },
};

const hints = { temperature: 1, service_tier: 'auto' };

promise(
  'send.set',
  {
    says: '`send.set` sets members by their paths, after what is left out, with the client’s headers and names of its caller; what is not known is left out',
    source: 'docs/configuration.md',
  },
  async (door) => {
    for (const [backend, { script }] of Object.entries(protocols)) {
      const model = door.model.counting(`sent-${backend}`, {}, script, script);
      // The bytes of a header are UTF-8, as a client writes them.
      const headers = { 'x-team': Buffer.from('blü').toString('latin1') };
      const reply = await post(door, { model, input: 'Hi', ...hints }, { headers });
      assert.equal(reply.status, 200, await reply.text());
      const { metadata, temperature, extra, service_tier } = door.model.calls(model)[0]?.body ?? {};
      assert.deepEqual(metadata, { team: 'blü', tenant: 'default' }, backend);
      assert.deepEqual([temperature, service_tier], [0.5, undefined]);
      assert.deepEqual(extra, { deep: { list: ['of blü', 1, {}] } });
      await post(door, { model, input: 'Hi', ...hints });
      const second = door.model.calls(model)[1]?.body;
      assert.deepEqual(second.metadata, { tenant: 'default' }, 'the next request has none of it');
      assert.deepEqual(second.extra, { deep: { list: [1, {}] } });
    }
  },
  NEEDS_HEADERS,
);

promise(
  'send.headers',
  {
    says: '`send.headers` sets, adds and removes headers of the call, and leaves its key and its connection alone',
    source: 'docs/configuration.md',
  },
  async (door) => {
    for (const [backend, { script }] of Object.entries(protocols)) {
      const model = door.model.counting(`sent-${backend}`, {}, script);
      const headers = { 'x-team': '  a, "b" %41 ', 'x-tags': 'one', 'x-other': 'kept here' };
      await post(door, { model, input: 'Hi' }, { headers });
      const got = door.model.calls(model)[0]?.headers ?? {};
      assert.equal(got['x-team'], 'a, "b" %41', 'as it came');
      assert.equal(got['x-tenant'], 'tenant default');
      assert.equal(got['x-tags'], 'one');
      assert.match(String(got.accept), /^text\/event-stream, application\/json, text\/plain$/);
      for (const name of ['x-none', 'x-other', 'traceparent']) assert.equal(got[name], undefined, name);
      const [name, key] = backend === 'anthropic' ? ['x-api-key', 'test-key'] : ['authorization', 'Bearer test-key'];
      assert.equal(got[name], key);
      assert.equal(got['content-type'], 'application/json');
    }
  },
  NEEDS_HEADERS,
);

promise(
  'send.again',
  {
    says: 'a call that is sent once more, without what its server refused, has the same set members and headers',
    source: 'docs/configuration.md',
  },
  async (door) => {
    const refused = replies(400, { error: { message: "Unsupported parameter: 'stream_options'" } });
    const model = door.model.counting('sent-chat', {}, refused, says('ok'));
    await post(door, { model, input: 'Hi' }, { headers: { 'x-team': 'blue' } });
    const calls = door.model.calls(model);
    assert.deepEqual(
      calls.map(({ body, headers }) => [body.metadata.team, headers['x-team'], 'stream_options' in body]),
      [
        ['blue', 'blue', true],
        ['blue', 'blue', false],
      ],
    );
  },
  NEEDS_HEADERS,
);

promise(
  'send.count',
  {
    says: 'a count of tokens has the headers of the call, and the set members that it takes',
    source: 'docs/configuration.md',
  },
  async (door) => {
    for (const [backend, { count, answer, script }] of Object.entries(protocols)) {
      const model = door.model.counting(`sent-${backend}`, { [count]: replies(200, answer) }, script);
      const init = { method: 'POST', body: JSON.stringify({ model, input: 'Hi' }) };
      const headers = { 'content-type': 'application/json', 'x-team': 'blue' };
      const reply = await door.fetch('/v1/responses/input_tokens', { ...init, headers });
      assert.deepEqual(await reply.json(), { object: 'response.input_tokens', input_tokens: 42 });
      const call = door.model.calls(model)[0];
      assert.equal(call?.headers['x-team'], 'blue', backend);
      assert.equal(call.body.metadata?.team, backend === 'chat' ? 'blue' : undefined);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'send.background',
  { says: 'a turn in the background has what its request was sent with', source: 'docs/configuration.md' },
  async (door) => {
    const model = door.model.counting('sent-chat', {}, says('ok'));
    const body = { model, input: 'Hi', background: true };
    const reply = await post(door, body, { headers: { 'x-team': 'blue', 'x-tags': 'one' } });
    await ended(door, JSON.parse(await reply.text()).id);
    const call = door.model.calls(model)[0];
    assert.deepEqual(
      [call?.body.metadata.team, call?.headers['x-team'], call?.headers['x-tags']],
      ['blue', 'blue', 'one'],
    );
  },
  NEEDS_HEADERS,
);

promise(
  'send.socket',
  { says: 'a turn over a WebSocket has the headers that opened it', source: 'docs/configuration.md' },
  async (door) => {
    const socket = await openSocket(door, { 'x-team': 'blue' });
    for (let turn = 0; turn < 2; turn++) {
      const model = door.model.counting('sent-chat', {}, says('ok'));
      await socket.create({ type: 'response.create', model, input: 'Hi' });
      assert.equal(door.model.calls(model)[0]?.headers['x-team'], 'blue');
      assert.equal(door.model.calls(model)[0]?.body.metadata.team, 'blue');
    }
    socket.close();
  },
  NEEDS_SOCKET,
);

promise(
  'send.too-long',
  { says: 'a header that is too long to be sent on is 400, by its name', source: 'docs/limits.md: sentHeader' },
  async (door) => {
    const model = door.model.counting('sent-chat', {}, says('ok'));
    for (const [length, status] of [
      [8_192, 200],
      [8_193, 400],
    ] as const) {
      const reply = await post(door, { model, input: 'Hi' }, { headers: { 'x-team': 'x'.repeat(length) } });
      assert.equal(reply.status, status);
      if (status === 400)
        await refuses(reply, { status, code: null, message: /^The header x-team is longer than the 8192 / });
    }
    assert.equal(door.model.calls(model).length, 1);
  },
  NEEDS_HEADERS,
);
