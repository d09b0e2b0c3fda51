import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { configureLog } from '../handler/index.ts';
import { type Fleet, fleetOf, inOrder, type Play, refuses, two, unreachable, upstream } from './support/fleet.ts';

const PATH = '/v1/embeddings';
const request = { model: 'm', input: 'Hi' };

/** Answers with JSON; a text is sent as it is. */
const answersWith =
  (body: object | string, pieces = 1): Play =>
  () => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const size = Math.ceil(text.length / pieces);
    const all = Array.from({ length: pieces }, (_, at) => text.slice(at * size, (at + 1) * size));
    return upstream(200, all, { 'content-type': 'application/json' });
  };

const vectors = (model: string) => ({ object: 'list', data: [{ embedding: [1] }], model, usage: { total_tokens: 9 } });

async function lines(t: TestContext, run: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const written: string[] = [];
  configureLog('info', (line) => written.push(line));
  t.after(() => configureLog('error', () => {}));
  await run();
  return written.map((line) => JSON.parse(line));
}

const ask = async (fleet: Fleet, body: object = request, init?: RequestInit) => {
  const reply = await fleet.ask(PATH, body, init);
  return { status: reply.status, text: await reply.text(), headers: reply.headers };
};

describe('several servers', () => {
  test('another server is asked after a failure, in the middle of a reply too, since nothing of it was passed on', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder, retry: { attempts: 0 } });
    fleet.play('b', answersWith(vectors('m')));
    const half: Play = () =>
      upstream(
        200,
        (async function* () {
          yield '{"data":[';
          throw new TypeError('socket hang up');
        })(),
        { 'content-type': 'application/json' },
      );
    for (const play of [unreachable, refuses(500), half, answersWith('<html>'), refuses(429)]) {
      fleet.play('a', play);
      const { status, text } = await ask(fleet);
      assert.equal(status, 200, text);
    }
    assert.deepEqual(fleet.hosts().join(''), 'ab'.repeat(5));
  });

  test('what the client did wrong is asked of no other', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder, retry: { attempts: 0 } });
    fleet.play('a', refuses(400, { error: { message: 'no', param: 'input' } }));
    assert.equal((await ask(fleet)).status, 400);
    assert.deepEqual(fleet.hosts(), ['a']);
  });

  test('one that has no such API is passed over, and an alias and a fallback have their names', async (t) => {
    const to = [
      { url: 'http://a/v1', backend: 'anthropic' },
      { url: 'http://b/v1', as: 'real', priority: 1 },
    ];
    const other = { match: 'other', backend: 'chat', url: 'http://o/v1' };
    const fleet = await fleetOf(t, { to, retry: { attempts: 0 }, fallback: ['other'] }, other);
    fleet.play('b', answersWith(vectors('real')), refuses(500));
    fleet.play('o', answersWith(vectors('other-2')));
    const first = await ask(fleet);
    assert.deepEqual(JSON.parse(first.text), vectors('m'));
    const written = await lines(t, async () => {
      assert.deepEqual(JSON.parse((await ask(fleet)).text), vectors('m'));
    });
    assert.deepEqual(
      fleet.calls.map(({ host, body }) => [host, body.model]),
      [
        ['b', 'real'],
        ['b', 'real'],
        ['o', 'other'],
      ],
    );
    const line = written.find(({ message }) => message === 'request') ?? assert.fail();
    assert.deepEqual([line.model, line.fallback, line.url_host, line.passed_over], ['m', 'other', 'o', 1]);
    assert.deepEqual([line.input_tokens, line.finish, line.path], [9, 'stop', PATH]);
  });

  test('a session keeps its server', async (t) => {
    const fleet = await fleetOf(t, { to: two });
    for (const host of ['a', 'b']) fleet.play(host, answersWith(vectors('m')));
    for (const session of ['1', '2', '3', '4', '5', '6'])
      for (let n = 0; n < 3; n++) await ask(fleet, request, { headers: { 'x-session-affinity': session } });
    const hosts = fleet.hosts();
    for (let at = 0; at < hosts.length; at += 3) assert.equal(new Set(hosts.slice(at, at + 3)).size, 1);
  });
});

describe('the name of the model', () => {
  const nested = '{"data":[{"model":"real","text":"\\"model\\":\\"real\\""}] , "model" : "re\\u0061l", "usage":{}}';

  test('is the one that was asked for, in the one place that is the reply’s own', async (t) => {
    const fleet = await fleetOf(t, { url: 'http://a/v1', as: 'real' });
    for (const pieces of [1, 7, nested.length]) {
      fleet.play('a', answersWith(nested, pieces));
      assert.equal((await ask(fleet)).text, nested.replace('"re\\u0061l"', '"m"').replace(' "m"', '"m"'));
    }
  });

  test('is the server’s own with `replyModel: served`, byte for byte', async (t) => {
    const fleet = await fleetOf(t, { url: 'http://a/v1', as: 'real', replyModel: 'served' });
    fleet.play('a', answersWith(nested));
    assert.equal((await ask(fleet)).text, nested);
  });
});

test('what `send` leaves out is left out, what it sets is of chats alone, and its headers are sent', async (t) => {
  const send = { omit: ['user'], set: { seed: 1 }, rename: { max_tokens: 'n' }, headers: { set: { 'x-a': 'b' } } };
  const fleet = await fleetOf(t, { url: 'http://a/v1', send });
  fleet.play('a', answersWith(vectors('m')));
  await ask(fleet, { ...request, user: 'u', max_tokens: 3 });
  assert.deepEqual(fleet.calls[0]?.body, { ...request, max_tokens: 3 });
  assert.equal(fleet.calls[0]?.headers['x-a'], 'b');
});

test('a reply that is larger than `limits.reply` fails, and one that is not is passed on whole', async (t) => {
  const fleet = await fleetOf(t, { url: 'http://a/v1' });
  const large = { data: 'x'.repeat(1024 * 1024) };
  fleet.play('a', answersWith(large, 50));
  assert.equal((await ask(fleet)).text, JSON.stringify(large));
  fleet.play('a', () =>
    upstream(
      200,
      (async function* () {
        for (;;) yield 'x'.repeat(1024 * 1024);
      })(),
      { 'content-type': 'application/json' },
    ),
  );
  const { status, text } = await ask(fleet);
  assert.equal(status, 500);
  assert.match(text, /limits\.reply/);
});

test('a server that says more of an error is told of with errorDetail', async (t) => {
  const { openFleet } = await import('./support/fleet.ts');
  const fleet = await openFleet([{ match: 'm', backend: 'chat', url: 'http://a/v1' }], { errorDetail: true });
  t.after(() => fleet.close());
  fleet.play('a', refuses(400, { error: { message: 'too many dimensions' } }));
  assert.match((await ask(fleet)).text, /too many dimensions/);
});

describe('streams', () => {
  const CHAT = '/v1/chat/completions';
  const chat = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], stream: true };
  const events = (...all: (object | string)[]) =>
    all.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`);
  const streams =
    (...pieces: string[]): Play =>
    () =>
      upstream(200, pieces, { 'content-type': 'text/event-stream' });
  const word = { model: 'm', choices: [{ index: 0, delta: { content: 'a' } }] };
  const last = { model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'length' }] };
  const usage = { model: 'm', choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } };

  test('the line has the usage, whether the client gets it or not', async (t) => {
    const fleet = await fleetOf(t, { url: 'http://a/v1' });
    fleet.play('a', streams(...events(word, last, usage, '[DONE]')));
    for (const include_usage of [true, false]) {
      const written = await lines(t, async () => {
        const reply = await fleet.ask(CHAT, { ...chat, stream_options: { include_usage } });
        const given = events(word, last, ...(include_usage ? [usage] : []), '[DONE]').join('');
        assert.equal(await reply.text(), given);
      });
      const { model, input_tokens, output_tokens, finish, streaming } = written.at(-1) ?? assert.fail();
      assert.deepEqual([model, input_tokens, output_tokens, finish, streaming], ['m', 5, 2, 'max_output_tokens', true]);
    }
  });

  test('usage in a chunk with choices is given to everybody', async (t) => {
    const fleet = await fleetOf(t, { url: 'http://a/v1' });
    const all = events(word, { ...last, usage: usage.usage }, '[DONE]');
    fleet.play('a', streams(...all));
    assert.equal(await (await fleet.ask(CHAT, chat)).text(), all.join(''));
  });

  test('comments are no word, so that another server is asked, and after a word none is', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder, retry: { attempts: 0 } });
    const breaksAfter =
      (text: string): Play =>
      () =>
        upstream(
          200,
          (async function* () {
            yield text;
            throw new TypeError('socket hang up');
          })(),
          { 'content-type': 'text/event-stream' },
        );
    fleet.play('b', streams(...events(word, last, '[DONE]')));
    fleet.play('a', breaksAfter(': queued\n\n'));
    assert.equal(await (await fleet.ask(CHAT, chat)).text(), events(word, last, '[DONE]').join(''));
    assert.deepEqual(fleet.hosts(), ['a', 'b']);
    fleet.play('a', breaksAfter(events(word).join('')));
    const text = await (await fleet.ask(CHAT, chat)).text();
    assert.match(text, /"error"/);
    assert.deepEqual(fleet.hosts(), ['a']);
  });

  test('what `send` says of a chat holds', async (t) => {
    const send = { omit: ['stream_options'], rename: { max_tokens: 'n' }, set: { 'extra.seed': 1 } };
    const fleet = await fleetOf(t, { url: 'http://a/v1', send });
    fleet.play('a', streams(...events(last, '[DONE]')));
    await (await fleet.ask(CHAT, { ...chat, max_tokens: 3 })).text();
    assert.deepEqual(fleet.calls[0]?.body, { ...chat, n: 3, extra: { seed: 1 } });
  });

  test('a session keeps its server by its key, and by what its user said first', async (t) => {
    const fleet = await fleetOf(t, { to: two });
    for (const host of ['a', 'b']) fleet.play(host, streams(...events(last, '[DONE]')));
    for (let n = 0; n < 8; n++) {
      const first = { role: 'user', content: `question ${n}` };
      for (const more of [[], [{ role: 'assistant', content: 'x' }]])
        await (await fleet.ask(CHAT, { ...chat, messages: [{ role: 'system', content: 's' }, first, ...more] })).text();
    }
    const hosts = fleet.hosts();
    for (let at = 0; at < hosts.length; at += 2) assert.equal(hosts[at], hosts[at + 1]);
    assert.equal(new Set(hosts).size, 2);
  });

  test('an event of megabytes in small pieces is passed on whole', async (t) => {
    const fleet = await fleetOf(t, { url: 'http://a/v1' });
    const large = events({ ...word, choices: [{ delta: { content: 'x'.repeat(2_000_000) } }] }, last, '[DONE]').join(
      '',
    );
    const pieces = large.match(/[\s\S]{1,1000}/g) ?? [];
    fleet.play('a', streams(...pieces));
    assert.equal(await (await fleet.ask(CHAT, chat)).text(), large);
  });
});

test('a form has the name that its server calls the model by, and is tried anew at the next', async (t) => {
  const to = [
    { url: 'http://a/v1', as: 'first' },
    { url: 'http://b/v1', as: 'openai/second', priority: 1 },
  ];
  const fleet = await fleetOf(t, { to, retry: { attempts: 0 } });
  fleet.play('a', refuses(503));
  fleet.play('b', () => upstream(200, ['{"text":"Hi"}'], { 'content-type': 'application/json' }));
  const form = new FormData();
  form.append('model', 'm');
  form.append('file', new Blob(['sound']), 'f.wav');
  const { headers, body } = new Request('http://x', { method: 'POST', body: form, duplex: 'half' } as RequestInit);
  const bytes = new Uint8Array(await new Response(body).arrayBuffer());
  const type = headers.get('content-type') ?? '';
  const reply = await fleet.ask('/v1/audio/transcriptions', '', { body: bytes, headers: { 'content-type': type } });
  assert.equal(await reply.text(), '{"text":"Hi"}');
  const models = await Promise.all(
    fleet.calls.map(async ({ body }) => {
      const sent = await new Response(body, { headers: { 'content-type': type } }).formData();
      assert.equal(await (sent.get('file') as File).text(), 'sound');
      return sent.get('model');
    }),
  );
  assert.deepEqual(models, ['first', 'openai/second']);
});

test('a moderation without a model is OpenAI’s newest', async (t) => {
  const fleet = await fleetOf(t, { match: 'omni-*', url: 'http://a/v1' });
  fleet.play('a', answersWith({ id: 'modr-1', model: 'omni-moderation-latest', results: [] }));
  assert.equal((await fleet.ask('/v1/moderations', { input: 'Hi' })).status, 200);
  assert.deepEqual(fleet.calls[0]?.body, { input: 'Hi', model: 'omni-moderation-latest' });
});
