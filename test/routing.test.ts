import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../handler/index.ts';
import {
  answers,
  breaksAtOnce,
  breaksOff,
  fleetOf,
  hangs,
  inOrder,
  openFleet,
  type Play,
  refuses,
  textOf,
  two,
  unreachable,
  upstream,
} from './support/fleet.ts';

describe('what fails before its first word is asked of the next server', () => {
  const failures = {
    'a refused connection': unreachable,
    'a stream that breaks off before a word': breaksAtOnce,
    'a 500': refuses(500),
    'a 503': refuses(503, {}, { 'retry-after': '30' }),
    'a 429': refuses(429, {}, { 'retry-after': '30' }),
    'a refused key': refuses(401),
    'a model that is not there': refuses(404, { error: { message: 'model not found', code: 'model_not_found' } }),
    'an error in place of the stream': () =>
      upstream(200, ['data: {"error":{"message":"out of memory","code":500}}\n\n']),
    'a stream that ends without a word': () => upstream(200, []),
  };
  for (const [what, play] of Object.entries(failures)) {
    for (const stream of [false, true]) {
      test(`${what}, ${stream ? 'streamed' : 'in one piece'}`, async (t) => {
        const fleet = await fleetOf(t, { to: inOrder });
        fleet.play('a', play);
        const { status, json } = await fleet.turn({ stream });
        assert.equal(status, 200);
        assert.deepEqual(fleet.hosts(), ['a', 'b']);
        if (stream) assert.equal(json.match(/"delta":"b says hello"/g)?.length, 1);
        else assert.equal(textOf(json), 'b says hello');
        if (stream) assert.equal(json.match(/event: response.created/g)?.length, 1);
      });
    }
  }
});

describe('of many calls at once none fails where a server is well', () => {
  const overflow = { error: { message: 'too long', code: 'context_length_exceeded' } };
  const fallback = { match: 'b', backend: 'chat', url: 'http://b/v1', context: 100_000 };
  const small = { url: 'http://a/v1', context: 1_000, fallback: ['b'] };
  for (const [what, entry, play] of [
    ['the other fails', { to: inOrder }, refuses(500)],
    ['the other refuses its key', { to: inOrder }, refuses(401)],
    ['the other is at its limit, and does not say until when', { to: inOrder }, refuses(429)],
    ['they do not fit the other', small, refuses(400, overflow)],
  ] as const)
    test(what, async (t) => {
      const fleet = await fleetOf(t, entry, fallback);
      fleet.play('a', play);
      const turns = await Promise.all(Array.from({ length: 300 }, () => fleet.turn({ store: false })));
      assert.deepEqual(new Set(turns.map(({ status }) => status)), new Set([200]));
    });
});

test('what has begun to answer is not asked for again', async (t) => {
  const fleet = await fleetOf(t, { to: inOrder, retry: { attempts: 3 } });
  fleet.play('a', breaksOff);
  const { json } = await fleet.turn({ stream: true });
  assert.match(json, /half of(.|\n)*response.failed/);
  assert.deepEqual(fleet.hosts(), ['a']);
});

test('what the client did wrong is asked of no other server', async (t) => {
  const fleet = await fleetOf(t, { to: inOrder, retry: { attempts: 3 } });
  fleet.play('a', refuses(400, { error: { message: 'temperature is too high', param: 'temperature' } }));
  const { status, json } = await fleet.turn();
  assert.equal(status, 400);
  assert.equal(json.error.param, 'temperature');
  assert.deepEqual(fleet.hosts(), ['a']);
});

test('a server that says nothing is given up after timeouts.firstToken, and its connection with it', async (t) => {
  const fleet = await fleetOf(t, { to: inOrder, timeouts: { firstToken: '30ms' } });
  fleet.play('a', hangs);
  const { status, json } = await fleet.turn();
  assert.equal(status, 200);
  assert.equal(textOf(json), 'b says hello');
  assert.equal(fleet.calls[0]?.signal.aborted, true);
});

test('servers that all fail are tried again as often as retry.attempts says, and then the last failure is told', async (t) => {
  const fleet = await fleetOf(t, { to: inOrder, retry: { attempts: 2 } });
  fleet.play('a', refuses(500));
  fleet.play('b', refuses(502));
  const { status, json } = await fleet.turn();
  assert.equal(status, 500);
  assert.match(json.error.message, /status 502/);
  assert.deepEqual(fleet.hosts(), ['a', 'b', 'a', 'b', 'a', 'b']);
});

test('one server is tried again where retry says so, and only after the failures that it names', async (t) => {
  const fleet = await fleetOf(t, { url: 'http://a/v1', retry: { attempts: 2, on: ['503'] } });
  fleet.play('a', refuses(503), refuses(503), answers);
  assert.equal((await fleet.turn()).status, 200);
  assert.deepEqual(fleet.hosts(), ['a', 'a', 'a']);
  fleet.play('a', refuses(500), answers);
  assert.equal((await fleet.turn()).status, 500);
  assert.deepEqual(fleet.hosts(), ['a']);
});

test('one server without any of it is asked once', async (t) => {
  const fleet = await fleetOf(t, { url: 'http://a/v1' });
  fleet.play('a', refuses(500));
  assert.equal((await fleet.turn()).status, 500);
  assert.deepEqual(fleet.hosts(), ['a']);
});

describe('a server that has asked to be left alone', () => {
  test('is not asked until its time is over', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder });
    fleet.play('a', refuses(429, {}, { 'retry-after': '60' }));
    for (let turn = 0; turn < 5; turn++) await fleet.turn();
    assert.deepEqual(fleet.hosts(), ['a', 'b', 'b', 'b', 'b', 'b']);
  });

  test('by limits that have nothing left, is not either', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder });
    fleet.play('a', async (call) => {
      const reply = await answers(call);
      const said: Record<string, string> = {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '1m',
      };
      return { ...reply, header: (name) => said[name] ?? null };
    });
    for (let turn = 0; turn < 3; turn++) await fleet.turn();
    assert.deepEqual(fleet.hosts(), ['a', 'b', 'b']);
  });

  test('and no other: 429 with the time that is left, and nothing is sent where nothing is tried again', async (t) => {
    const fleet = await fleetOf(t, { to: two, retry: { attempts: 0 } });
    for (const host of ['a', 'b']) fleet.play(host, refuses(429, {}, { 'retry-after': '60' }));
    assert.equal((await fleet.turn()).status, 429);
    fleet.hosts();
    const { status, headers } = await fleet.turn();
    assert.equal(status, 429);
    assert.ok(Number(headers.get('retry-after')) > 50);
    assert.deepEqual(fleet.hosts(), []);
  });

  test('is asked all the same where no other is left, and by all once it answers', async (t) => {
    const fleet = await fleetOf(t, { to: two });
    fleet.play('a', refuses(429, {}, { 'retry-after': '60' }), refuses(429, {}, { 'retry-after': '60' }), answers);
    fleet.play('b', refuses(500));
    const turns = await Promise.all(Array.from({ length: 20 }, () => fleet.turn()));
    assert.deepEqual(new Set(turns.map(({ status }) => status)), new Set([200]));
  });

  test('by limits that have nothing left, is asked without waiting where no other is left', async (t) => {
    const fleet = await fleetOf(t, { to: two, retry: { attempts: 0 } });
    const said: Record<string, string> = {
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '1m',
    };
    fleet.play('a', async (call) => ({ ...(await answers(call)), header: (name) => said[name] ?? null }));
    fleet.play('b', refuses(429, {}, { 'retry-after': '60' }));
    const statuses = [];
    for (let turn = 0; turn < 5; turn++) statuses.push((await fleet.turn()).status);
    assert.deepEqual(new Set(statuses), new Set([200]));
  });
});

describe('a server that is silent for long', () => {
  const slow: Play = async (call) => {
    await new Promise((resolve) => setTimeout(resolve, 60));
    return answers(call);
  };

  test('is not waited for alone: the next is asked beside it, and the connection of the one that was slower ends', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder, timeouts: { hedge: '10ms' } });
    fleet.play('a', hangs);
    const { status, json } = await fleet.turn();
    assert.equal(status, 200);
    assert.equal(textOf(json), 'b says hello');
    assert.deepEqual(fleet.hosts(), ['a', 'b']);
    const [first] = fleet.calls;
    assert.equal(first?.signal.aborted ?? true, true);
  });

  test('answers all the same where the other fails meanwhile', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder, timeouts: { hedge: '10ms' }, retry: { attempts: 0 } });
    fleet.play('a', slow);
    fleet.play('b', refuses(500));
    const { status, json } = await fleet.turn({ stream: true });
    assert.equal(status, 200);
    assert.equal(json.match(/"delta":"a says hello"/g)?.length, 1);
  });

  test('is waited for where others are as slow, and where `hedge` is off', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder, timeouts: { hedge: '10ms' } });
    for (const host of ['a', 'b']) fleet.play(host, slow);
    for (let turn = 0; turn < 10; turn++) await fleet.turn();
    fleet.hosts();
    await fleet.turn();
    assert.equal(fleet.hosts().length, 1);
    const other = await fleetOf(t, { to: inOrder, timeouts: { hedge: 'off' } });
    for (const host of ['a', 'b']) other.play(host, slow);
    await other.turn();
    assert.deepEqual(other.hosts(), ['a']);
  });

  test('of many that are all slow half are asked for twice at most, beyond what a budget has at first', async (t) => {
    const fleet = await fleetOf(t, { to: two, timeouts: { hedge: '10ms' } });
    for (const host of ['a', 'b']) fleet.play(host, slow);
    await Promise.all(Array.from({ length: 400 }, () => fleet.turn({ store: false })));
    assert.ok(fleet.calls.length <= 400 * 1.5 + 100 + 20, `${fleet.calls.length}`);
  });

  test('of requests that are passed on whole none is asked beside another', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder, timeouts: { hedge: '10ms' } });
    fleet.play('a', async () => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return upstream(200, ['{"object":"list","data":[],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}'], {
        'content-type': 'application/json',
      });
    });
    const reply = await fleet.ask('/v1/embeddings', { model: 'm', input: 'Hi' });
    assert.equal(reply.status, 200);
    assert.deepEqual(fleet.hosts(), ['a']);
  });
});

describe('a server with failures in a row', () => {
  test('is left alone, is tried by one call after that, and is asked again once it answers', async (t) => {
    let ahead = 0;
    const now = performance.now.bind(performance);
    t.mock.method(performance, 'now', () => now() + ahead);
    const fleet = await fleetOf(t, { to: inOrder, breaker: { failures: 3, open: '60s' } });
    fleet.play('a', refuses(500));
    for (let turn = 0; turn < 6; turn++) assert.equal((await fleet.turn()).status, 200);
    assert.deepEqual(fleet.hosts().filter((host) => host === 'a').length, 3);
    ahead += 61_000;
    await Promise.all([fleet.turn(), fleet.turn(), fleet.turn()]);
    assert.deepEqual(fleet.hosts().filter((host) => host === 'a').length, 1); // one finds out that it still fails
    ahead += 61_000;
    fleet.play('a', answers);
    await fleet.turn();
    await fleet.turn();
    assert.deepEqual(fleet.hosts(), ['a', 'a']);
  });

  test('is asked all the same where there is no other', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder, breaker: { failures: 1, open: '60s' }, retry: { attempts: 0 } });
    for (const host of ['a', 'b']) fleet.play(host, refuses(500));
    await fleet.turn();
    fleet.play('b', answers);
    assert.equal((await fleet.turn()).status, 200);
  });

  test('keeps what is known of it when the configuration is loaded again', async (t) => {
    const entry = { match: 'm', backend: 'chat', to: inOrder, breaker: { failures: 1, open: '60s' } };
    const fleet = await openFleet([entry]);
    t.after(() => fleet.close());
    fleet.play('a', refuses(500));
    await fleet.turn();
    fleet.handler.reload(parseConfig({ models: [{ ...entry, context: 4096 }] }));
    fleet.hosts();
    await fleet.turn();
    assert.deepEqual(fleet.hosts(), ['b']);
  });
});

test('one server in `to` has its places, too', async (t) => {
  const fleet = await fleetOf(t, { to: [{ url: 'http://a/v1', concurrency: 1 }] });
  let running = 0;
  let most = 0;
  fleet.play('a', async (call) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running--;
    return answers(call);
  });
  await Promise.all([fleet.turn(), fleet.turn(), fleet.turn()]);
  assert.equal(most, 1);
});

test('a probe finds a server that is down before a call does, and one that is well again', async (t) => {
  let ahead = 0;
  const now = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => now() + ahead);
  const fleet = await fleetOf(t, { to: inOrder, breaker: { failures: 2, open: '600s' }, probe: '1s' });
  const looked = async () => {
    ahead += 2_000;
    fleet.handler.maintain(); // which looks at once
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  fleet.down('a');
  await looked();
  await looked();
  await fleet.turn();
  assert.deepEqual(fleet.hosts(), ['b']);
  fleet.up('a');
  await looked();
  await fleet.turn();
  assert.deepEqual(fleet.hosts(), ['a']);
});

test('a server that has no list of models, and says so to a probe, is there', async (t) => {
  let ahead = 0;
  const now = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => now() + ahead);
  const fleet = await fleetOf(t, { to: inOrder, breaker: { failures: 1, open: '600s' }, probe: '1s' });
  fleet.list('a');
  ahead += 2_000;
  fleet.handler.maintain();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await fleet.turn();
  assert.deepEqual(fleet.hosts(), ['a']);
});
