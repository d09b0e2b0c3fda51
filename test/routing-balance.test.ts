import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../handler/index.ts';
import { answers, type Fleet, fleetOf, hangs, openFleet, refuses, upstream } from './support/fleet.ts';

describe('balance', () => {
  const many = ['a', 'b', 'c', 'd'].map((host) => ({ url: `http://${host}/v1` }));

  /** Holds every call at its server until the function that it gives is called; then all are answered. */
  function holdAll(fleet: Fleet): () => void {
    const { promise: open, resolve } = Promise.withResolvers<void>();
    for (const { url } of many) {
      fleet.play(new URL(url).host, async (call) => {
        await open;
        return answers(call);
      });
    }
    return resolve;
  }

  test('affinity: the turns of one session are at one server, and sessions at all', async (t) => {
    const fleet = await fleetOf(t, { to: many });
    const used = new Set<string>();
    for (let session = 0; session < 40; session++) {
      const first = await fleet.turn({ input: `session ${session}` });
      const second = await fleet.turn({ input: 'go on', previous_response_id: first.json.id });
      await fleet.turn({ input: 'and on', previous_response_id: second.json.id });
      const hosts = fleet.hosts();
      assert.equal(new Set(hosts).size, 1, `${hosts}`);
      used.add(String(hosts[0]));
    }
    assert.equal(used.size, 4);
  });

  test('affinity: by the header, by prompt_cache_key, by the conversation', async (t) => {
    const fleet = await fleetOf(t, { to: many });
    const conversation = await fleet.handler.fetch(new Request('http://x/v1/conversations', { method: 'POST' }));
    const { id } = (await conversation.json()) as { id: string };
    for (const [request, headers] of [
      [{}, { 'x-session-affinity': 'one' }],
      [{}, { 'x-claude-code-session-id': 'one' }],
      [{ prompt_cache_key: 'two' }, {}],
      [{ conversation: id }, {}],
    ] as const) {
      for (let turn = 0; turn < 6; turn++) await fleet.turn({ ...request, input: `${turn} of another kind` }, headers);
      assert.equal(new Set(fleet.hosts()).size, 1);
    }
  });

  test('affinity: a few calls more than its share stay at the server of their session', async (t) => {
    const fleet = await fleetOf(t, { to: many });
    const resolve = holdAll(fleet);
    const turns = Array.from({ length: 4 }, () => fleet.turn({ prompt_cache_key: 'all the same' }));
    while (fleet.calls.length < 4) await new Promise((done) => setTimeout(done, 1));
    resolve();
    await Promise.all(turns);
    assert.equal(new Set(fleet.hosts()).size, 1);
  });

  test('affinity: a server that has much more to do than the others is not preferred', async (t) => {
    const fleet = await fleetOf(t, { to: many });
    const resolve = holdAll(fleet);
    const turns = Array.from({ length: 40 }, () => fleet.turn({ prompt_cache_key: 'all the same' }));
    while (fleet.calls.length < 40) await new Promise((done) => setTimeout(done, 1));
    const counts = Map.groupBy(fleet.hosts(), (host) => host);
    resolve();
    await Promise.all(turns);
    assert.equal(counts.size, 4);
    for (const [, calls] of counts) assert.ok(calls.length <= 14, `${calls.length}`);
  });

  test('leastLoaded: the one that has the least to do, by its weight', async (t) => {
    const to = [{ url: 'http://a/v1', weight: 3 }, { url: 'http://b/v1' }, { url: 'http://c/v1', weight: 0 }];
    const fleet = await fleetOf(t, { to, balance: 'leastLoaded' });
    const { promise: open, resolve } = Promise.withResolvers<void>();
    for (const host of ['a', 'b'])
      fleet.play(host, async (call) => {
        await open;
        return answers(call);
      });
    const turns = Array.from({ length: 40 }, () => fleet.turn());
    while (fleet.calls.length < 40) await new Promise((done) => setTimeout(done, 1));
    const hosts = fleet.hosts();
    resolve();
    await Promise.all(turns);
    assert.equal(hosts.filter((host) => host === 'a').length, 30);
  });

  test('weighted: by chance, as often as the weight says', async (t) => {
    const to = [{ url: 'http://a/v1', weight: 9 }, { url: 'http://b/v1' }];
    const fleet = await fleetOf(t, { to, balance: 'weighted' });
    for (let turn = 0; turn < 200; turn++) await fleet.turn({ store: false });
    const ofA = fleet.hosts().filter((host) => host === 'a').length;
    assert.ok(ofA > 150 && ofA < 200, `${ofA}`);
  });
});

describe('concurrency', () => {
  test('no server gets more than it takes, and who waits is next', async (t) => {
    const to = [
      { url: 'http://a/v1', concurrency: 2 },
      { url: 'http://b/v1', concurrency: 1 },
    ];
    const fleet = await fleetOf(t, { to });
    const running: Record<string, number> = { a: 0, b: 0 };
    const most: Record<string, number> = { a: 0, b: 0 };
    for (const host of ['a', 'b'])
      fleet.play(host, (call) => {
        running[host] = (running[host] ?? 0) + 1;
        most[host] = Math.max(most[host] ?? 0, running[host]);
        return upstream(
          200,
          (async function* () {
            try {
              await new Promise((done) => setTimeout(done, 5));
              const reply = await answers(call);
              for await (const piece of reply.body) yield new TextDecoder().decode(piece);
            } finally {
              running[host] = (running[host] ?? 0) - 1;
            }
          })(),
        );
      });
    const turns = await Promise.all(Array.from({ length: 30 }, () => fleet.turn()));
    assert.deepEqual(new Set(turns.map(({ status }) => status)), new Set([200]));
    assert.deepEqual(most, { a: 2, b: 1 });
  });

  describe('is kept', () => {
    const to = [
      { url: 'http://a/v1', concurrency: 4 },
      { url: 'http://b/v1', concurrency: 1 },
    ];

    /** The most calls that a host had at a time, which answers after a while. */
    function most(fleet: Fleet, host: string): () => number {
      let [running, most] = [0, 0];
      fleet.play(host, (call) => {
        most = Math.max(most, ++running);
        return upstream(
          200,
          (async function* () {
            try {
              await new Promise((done) => setTimeout(done, 2));
              const reply = await answers(call);
              for await (const piece of reply.body) yield new TextDecoder().decode(piece);
            } finally {
              running--;
            }
          })(),
        );
      });
      return () => most;
    }

    const all = async (turns: ReturnType<Fleet['turn']>[]) =>
      assert.deepEqual(new Set((await Promise.all(turns)).map(({ status }) => status)), new Set([200]));

    test('by calls that another server has failed at', async (t) => {
      const fleet = await fleetOf(t, { to });
      fleet.play('a', refuses(429));
      const ofB = most(fleet, 'b');
      await all(Array.from({ length: 20 }, () => fleet.turn()));
      assert.equal(ofB(), 1);
    });

    test('while another server has asked to be left alone', async (t) => {
      const fleet = await fleetOf(t, { to });
      fleet.play('a', refuses(429, {}, { 'retry-after': '60' }));
      await all([fleet.turn(), fleet.turn(), fleet.turn(), fleet.turn(), fleet.turn()]);
      const ofB = most(fleet, 'b');
      await all(Array.from({ length: 20 }, () => fleet.turn()));
      assert.equal(ofB(), 1);
    });

    test('when the configuration is loaded again, by calls from before and after', async (t) => {
      const entry = { match: 'm', backend: 'chat', to: [{ url: 'http://a/v1', concurrency: 2 }] };
      const fleet = await openFleet([entry]);
      t.after(() => fleet.close());
      const ofA = most(fleet, 'a');
      const before = Array.from({ length: 10 }, () => fleet.turn());
      while (fleet.calls.length === 0) await new Promise((done) => setImmediate(done));
      fleet.handler.reload(parseConfig({ models: [{ ...entry, context: 4_096 }] }));
      await all([...before, ...Array.from({ length: 10 }, () => fleet.turn())]);
      assert.equal(ofA(), 2);
    });
  });

  test('a client that leaves while it waits, or while it is answered, gives its place back', async (t) => {
    const fleet = await fleetOf(t, { url: 'http://a/v1', concurrency: 1 });
    fleet.play('a', hangs);
    const leave = (after: number) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), after);
      const body = JSON.stringify({ model: 'm', input: 'Hi', stream: true });
      const headers = { 'content-type': 'application/json' };
      const request = new Request('http://x/v1/responses', {
        method: 'POST',
        headers,
        body,
        signal: controller.signal,
      });
      return fleet.handler.fetch(request).then(
        async (reply) => reply.body?.cancel(),
        () => {},
      );
    };
    await Promise.all([leave(20), leave(10), leave(30)]);
    fleet.play('a', answers);
    assert.equal((await fleet.turn()).status, 200);
    assert.equal((await fleet.turn()).status, 200);
  });
});
