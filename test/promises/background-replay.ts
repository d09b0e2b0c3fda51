import assert from 'node:assert/strict';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Door, post } from '../support/doors/door.ts';
import { says } from '../support/model/scripted.ts';
import { parseStream } from '../support/sse.ts';
import { create, refuses, stream } from './ask.ts';
import { begin, ended, openStream } from './background.ts';
import { NEEDS_HEADERS, NEEDS_LIVE, promise, type Skips } from './promise.ts';
import { longReply } from './state-ask.ts';

/** The text of a replay. */
async function replay(door: Door, id: string, query = ''): Promise<string> {
  const reply = await door.fetch(`/v1/responses/${id}?stream=true${query}`);
  const whole = await reply.text();
  assert.equal(reply.status, 200, whole);
  return whole;
}

const FETCH_ONLY = 'a fetch Request cannot carry the body of a GET';
const NEEDS_GET_BODY: Skips = { 'in-process': FETCH_ONLY, workerd: FETCH_ONLY, deno: FETCH_ONLY, bun: FETCH_ONLY };

/** The reply to a GET with a body, which no `fetch` sends. */
function getWithBody(door: Door, path: string, body: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': String(Buffer.byteLength(body)) };
    const sent = { 'content-type': 'application/json', ...(headers['transfer-encoding'] ? {} : length), ...headers };
    const client = request(new URL(path, door.client.baseURL), { method: 'GET', agent: false, headers: sent });
    client.once('error', reject).once('response', (reply) => text(reply).then(resolve, reject));
    client.end(body);
  });
}

/** A stream's events as they are on the wire, `[DONE]` last. */
function frames(text: string): string[] {
  return text.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'));
}

promise(
  'replay.every',
  { says: 'cut and resumed at every event, a stream has the same bytes', source: 'docs/background.md' },
  async (door) => {
    const words = Array.from({ length: 12 }, (_, n) => `word ${n} `);
    const live = frames(await (await post(door, { ...background(door, says(...words)), stream: true })).text());
    const { id } = JSON.parse(live[0]?.replace(/^.*\ndata: /, '') ?? '').response;
    assert.deepEqual(frames(await replay(door, id)), live);
    for (let cut = 0; cut < live.length - 1; cut++) {
      assert.deepEqual(frames(await replay(door, id, `&starting_after=${cut}`)), live.slice(cut + 1), `cut at ${cut}`);
    }
  },
  NEEDS_HEADERS,
);

function background(door: Door, script: Parameters<Door['model']['script']>[0]) {
  return { model: door.model.script(script), input: 'Hi', background: true };
}

promise(
  'replay.live',
  { says: 'any number of readers, early and late, get the same events', source: 'docs/background.md' },
  async (door) => {
    const { script, begun, release } = longReply('Hello');
    const { id, text } = await openStream(await post(door, { ...background(door, script), stream: true }));
    const early = [replay(door, id), replay(door, id)];
    await begun;
    const middle = replay(door, id);
    await new Promise((resolve) => setTimeout(resolve, 100));
    release();
    const whole = frames(await text);
    for (const reader of [...early, middle, replay(door, id)]) assert.deepEqual(frames(await reader), whole);
  },
  NEEDS_LIVE,
);

promise(
  'replay.after',
  {
    says: 'starting_after gives only later events; after the last there is none',
    source: 'docs/edge-cases.md: 28 (litellm#26671)',
  },
  async (door) => {
    const { events, final } = await stream(door, background(door, says('Hel', 'lo')));
    const last = events.length - 1;
    assert.deepEqual(parseStream(await replay(door, final.id, `&starting_after=${last - 1}`)).events, [events.at(-1)]);
    assert.deepEqual(frames(await replay(door, final.id, `&starting_after=${last}`)), ['data: [DONE]']);
    assert.deepEqual(frames(await replay(door, final.id, '&starting_after=999999')), ['data: [DONE]']);
  },
  NEEDS_HEADERS,
);

promise(
  'replay.body',
  {
    says: 'a GET with {"stream": true} in its body, as openai-go sends it, is one with stream=true in its query',
    source: 'https://github.com/openai/openai-go/blob/main/responses/response.go',
  },
  async (door) => {
    const { id } = await begin(door, says('Hello'));
    await ended(door, id);
    const whole = frames(await replay(door, id));
    const ask = (path: string, body: string, headers = {}) => getWithBody(door, `/v1/responses/${path}`, body, headers);
    const stream = '{"stream":true}';
    assert.deepEqual(frames(await ask(id, stream)), whole);
    assert.deepEqual(frames(await ask(id, ' { "stream" : true }\n', { 'transfer-encoding': 'chunked' })), whole);
    assert.deepEqual(frames(await ask(`${id}?starting_after=1`, stream)), whole.slice(2));
    assert.deepEqual(frames(await ask(`${id}?stream=true`, stream)), whole);
    for (const body of ['{"stream":false}', '{"stream":true,"x":1}', 'SECRET', `{"stream":true${' '.repeat(3_000)}}`]) {
      assert.equal(JSON.parse(await ask(id, body)).id, id, body.slice(0, 20));
    }
    assert.equal(JSON.parse(await ask(`${id}?stream=false`, stream)).id, id, 'the query has the last word');
  },
  { ...NEEDS_HEADERS, ...NEEDS_GET_BODY },
);

promise(
  'replay.query',
  { says: 'a wrong stream, starting_after or include_obfuscation is 422', source: 'docs/background.md' },
  async (door) => {
    const { id } = await begin(door, says('ok'));
    await ended(door, id);
    for (const [query, param] of [
      ['stream=perhaps', 'stream'],
      ['stream=true&starting_after=-1', 'starting_after'],
      ['stream=true&starting_after=1.5', 'starting_after'],
      ['stream=true&starting_after=0x1', 'starting_after'],
      ['starting_after=1', 'starting_after'],
      ['stream=true&include_obfuscation=2', 'include_obfuscation'],
    ]) {
      await refuses(await door.fetch(`/v1/responses/${id}?${query}`), { status: 422, code: 422, param: param ?? '' });
    }
  },
  NEEDS_HEADERS,
);

promise(
  'replay.no-log',
  { says: 'a response that was not made in the background has no events to replay', source: 'docs/background.md' },
  async (door) => {
    const { id } = await create(door, { model: door.model.script(says('ok')) });
    const reply = await door.fetch(`/v1/responses/${id}?stream=true`);
    await refuses(reply, { status: 400, code: null, param: 'stream' });
  },
  NEEDS_HEADERS,
);

promise(
  'replay.obfuscation',
  { says: 'include_obfuscation pads the deltas of a replay', source: 'docs/api.md' },
  async (door) => {
    const { id } = await begin(door, says('Hel', 'lo'));
    await ended(door, id);
    const deltas = parseStream(await replay(door, id, '&include_obfuscation=true')).events.filter(
      (event) => 'delta' in event,
    );
    for (const event of deltas) assert.equal(typeof (event as { obfuscation?: string }).obfuscation, 'string');
    assert.ok(deltas.length > 0);
    assert.doesNotMatch(await replay(door, id), /obfuscation/);
  },
  NEEDS_HEADERS,
);

promise(
  'replay.long',
  { says: 'long events and many blocks are replayed whole', source: 'docs/background.md' },
  async (door) => {
    const parts = Array.from({ length: 40 }, (_, n) => `${n} ${'\u{1F600}x'.repeat(2_000)}`);
    const { events, final } = await stream(door, background(door, says(...parts)));
    assert.ok(JSON.stringify(events).length > 512 * 1024);
    assert.deepEqual(parseStream(await replay(door, final.id)).events, events);
  },
  NEEDS_HEADERS,
);
