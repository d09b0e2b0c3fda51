import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { replay } from '../support/accumulate.ts';
import { type Door, post } from '../support/doors/door.ts';
import { callsFunctions, says, sends } from '../support/model/scripted.ts';
import { checkStream, outline, parseStream } from '../support/sse.ts';
import { NEEDS_HEADERS, NEEDS_TEST_TOOL, promise } from './promise.ts';
import { longReply } from './state-ask.ts';

let keys = 0;

/** The text of the same stream, asked for twice under one key. */
async function twice(door: Door, body: object): Promise<[first: string, again: string]> {
  const headers = { 'idempotency-key': `stream-${process.pid}-${keys++}` };
  const texts: string[] = [];
  for (const again of [null, 'true']) {
    const reply = await post(door, { input: 'Hi', ...body, stream: true }, { headers });
    assert.equal(reply.status, 200);
    assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream/);
    assert.equal(reply.headers.get('idempotent-replayed'), again);
    texts.push(await reply.text());
  }
  return [texts[0] ?? '', texts[1] ?? ''];
}

promise(
  'idempotency.stream',
  { says: 'a stream that is sent again tells the same response, each text as one delta', source: 'docs/state.md' },
  async (door) => {
    const model = door.model.script(sends([{ reasoning: 'Hm.' }, { content: 'Hel' }, { content: 'lo' }]));
    const [first, again] = (await twice(door, { model })).map(parseStream);
    assert.ok(first && again);
    checkStream(again);
    assert.deepEqual(again.final, first.final);
    assert.deepEqual(again.events.slice(0, 2), first.events.slice(0, 2));
    assert.deepEqual(outline(again.events), [
      'created',
      'in_progress',
      'output_item.added 0 reasoning in_progress',
      'content_part.added 0.0 reasoning_text',
      'reasoning_text.delta 0.0 Hm.',
      'reasoning_text.done 0.0 Hm.',
      'content_part.done 0.0 reasoning_text',
      'output_item.done 0 reasoning completed',
      'output_item.added 1 message in_progress',
      'content_part.added 1.0 output_text',
      'output_text.delta 1.0 Hello',
      'output_text.done 1.0 Hello',
      'content_part.done 1.0 output_text',
      'output_item.done 1 message completed',
      'completed',
    ]);
    assert.equal(door.model.calls(model).length, 1);
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.stream-items',
  { says: 'a stream that is sent again tells calls, refusals and cut texts as they were', source: 'docs/state.md' },
  async (door) => {
    const tools = [
      { type: 'function', name: 'f' },
      { type: 'custom', name: 'c' },
    ];
    const calls = callsFunctions(
      { name: 'f', args: '{"a":1}' },
      { name: 'f', args: '' },
      { name: 'c', args: '{"input":"x"}' },
    );
    for (const script of [calls, sends([{ refusal: 'No.' }]), sends([{ content: 'Hel' }], 'length'), sends([])]) {
      const texts = await twice(door, { model: door.model.script(script), tools });
      const [first, again] = texts.map(replay);
      assert.deepEqual(again?.response, first?.response);
      assert.deepEqual(again?.terminal, first?.terminal);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'idempotency.stream-tools',
  {
    says: 'a stream that is sent again tells calls of server-side tools and citations as they were',
    source: 'docs/state.md',
  },
  async (door) => {
    const cites = callsFunctions({ name: 'cite', args: '{}' });
    const model = door.model.script(cites, says('Read this.'));
    const [first, again] = (await twice(door, { model, tools: [{ type: 'test_tool' }] })).map(parseStream);
    assert.ok(first && again);
    checkStream(again);
    assert.deepEqual(outline(again.events), outline(first.events));
    assert.deepEqual(again.final, first.final);
  },
  { ...NEEDS_HEADERS, ...NEEDS_TEST_TOOL },
);

promise(
  'idempotency.stream-obfuscation',
  { says: 'a stream that is sent again is padded when that is asked for', source: 'docs/errors.md' },
  async (door) => {
    const model = door.model.script(says('Hello'));
    for (const include_obfuscation of [true, false]) {
      const [, again] = await twice(door, { model, stream_options: { include_obfuscation } });
      assert.equal(/"obfuscation":"[\w-]+"/.test(again), include_obfuscation);
    }
  },
  NEEDS_HEADERS,
);

/** The official client, as it sends keys by itself. */
class Client extends OpenAI {
  protected override idempotencyHeader = 'Idempotency-Key';
}

/** The official client on a line that tells of every reply, and loses those that `loses` says. */
function lossy(door: Door, loses: (reply: Response, count: number) => boolean): OpenAI {
  let count = 0;
  return new Client({
    baseURL: door.client.baseURL,
    apiKey: 'test',
    maxRetries: 4,
    async fetch(url, init) {
      const reply = await door.fetch(new URL(String(url)).pathname, init);
      if (!loses(reply, count++)) return reply;
      await reply.text();
      throw new TypeError('the connection was lost');
    },
  });
}

promise(
  'client.idempotency',
  {
    says: 'openai: a create whose reply was lost is tried again, and the model is called once',
    source: 'openai 7.57.0',
  },
  async (door) => {
    const model = door.model.script(says('Hello'), says('another'));
    const client = lossy(door, (_, count) => count === 0);
    const body = { model, input: 'Hi' };
    const response = await client.responses.create(body, { idempotencyKey: `client-${process.pid}-${keys++}` });
    assert.equal(response.output_text, 'Hello');
    assert.equal(door.model.calls(model).length, 1);
  },
  NEEDS_HEADERS,
);

promise(
  'client.idempotency-stream',
  {
    says: 'openai: a stream whose reply was lost is tried again, and the helper puts the same together',
    source: 'openai 7.57.0',
  },
  async (door) => {
    const model = door.model.script(sends([{ reasoning: 'Hm.' }, { content: 'Hel' }, { content: 'lo' }]));
    const client = lossy(door, (_, count) => count === 0);
    const stream = client.responses.stream({ model, input: 'Hi' });
    const texts: string[] = [];
    stream.on('response.output_text.delta', ({ snapshot }) => texts.push(snapshot));
    const final = await stream.finalResponse();
    assert.deepEqual(texts, ['Hello']);
    assert.equal(final.output_text, 'Hello');
    assert.deepEqual(
      final.output.map(({ type }) => type),
      ['reasoning', 'message'],
    );
    assert.equal(door.model.calls(model).length, 1);
  },
  NEEDS_HEADERS,
);

promise(
  'client.idempotency-running',
  {
    says: 'openai: a create whose first try is still running is tried again until it has ended',
    source: 'openai 7.57.0',
  },
  async (door) => {
    const { script, begun, release } = longReply('Hello');
    const model = door.model.script(script);
    const options = { idempotencyKey: `client-${process.pid}-${keys++}` };
    const statuses: number[] = [];
    const client = lossy(door, ({ status }) => {
      statuses.push(status);
      if (status === 409) release();
      return false;
    });
    const first = client.responses.create({ model, input: 'Hi' }, options);
    await begun;
    const second = await client.responses.create({ model, input: 'Hi' }, options);
    assert.deepEqual(second, await first);
    assert.ok(statuses.includes(409));
    assert.equal(door.model.calls(model).length, 1);
  },
  NEEDS_HEADERS,
);
