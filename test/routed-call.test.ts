import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { beforeEach, describe, test } from 'node:test';
import { ApiError } from '../handler/errors.ts';
import type { Candidate } from '../handler/routing/candidates.ts';
import { routedCall } from '../handler/routing/routed-call.ts';
import { Search } from '../handler/routing/search.ts';
import type { OpenServer } from '../handler/routing/server.ts';
import { type RoutePolicy, ServerGroup } from '../handler/routing/server-group.ts';
import { ServerHealth } from '../handler/routing/server-health.ts';

const POLICY: RoutePolicy = {
  balance: 'leastLoaded',
  retry: { attempts: 1, on: ['connect'] },
  fallback: [],
  timeouts: {},
  breaker: { failures: 1, open: 60_000 },
};

/** A model with one server, which nobody calls but through `begin` below. */
function candidate(policy: Partial<RoutePolicy> = {}): Candidate & { server: OpenServer } {
  const nothing = () => assert.fail('is not asked');
  const server: OpenServer = {
    ...{ id: '0', match: 'm', server: undefined, weight: 1, priority: 0, concurrency: 1 },
    ...{ prepare: nothing, forward: nothing, list: nothing, learnContext: nothing },
    address: { backend: 'chat', urlHost: 'a' },
    health: new ServerHealth(),
  };
  const group = new ServerGroup([server], { ...POLICY, ...policy });
  return { server, group, model: 'm', isFallback: false, context: undefined };
}

type Begin = (signal: AbortSignal) => AsyncIterable<string>;

/** Calls it; `begin` gives words. */
function call(one: Candidate, begin: Begin, signal: AbortSignal) {
  const told = { asked() {}, heard() {} };
  const of = { ...told, affinity: '', claimant: { id: 'me' }, requestId: undefined, model: 'm' };
  const work = { at: () => begin, isWord: (event: string) => event !== '', alive: '' };
  return routedCall(work, [one], of, signal)[Symbol.asyncIterator]();
}

describe('a call of several servers', () => {
  let controller: AbortController;
  beforeEach(() => {
    controller = new AbortController();
  });

  const isLeft = ({ server }: { server: OpenServer }) => {
    assert.equal(server.health.load, 0);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  };

  test('whose caller leaves after its first word, and pulls no more, leaves its place', async () => {
    const one = candidate();
    const words = call(one, () => forever('word'), controller.signal);
    assert.equal((await words.next()).value, 'word');
    assert.equal(one.server.health.load, 1);
    controller.abort();
    isLeft(one);
  });

  test('which is ended while its first word is on its way leaves its place', async () => {
    const one = candidate();
    const words = call(one, () => forever('word'), controller.signal);
    await Promise.all([words.next(), words.return?.()]);
    isLeft(one);
  });

  test('which is ended at a sign of life leaves its place', async () => {
    const one = candidate();
    const words = call(one, () => forever(''), controller.signal);
    assert.equal((await words.next()).value, '');
    await words.return?.();
    isLeft(one);
  });

  test('in a pause listens for its caller, until it is over or the caller leaves', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const paused = () => candidate({ retry: { attempts: 1, on: ['503'] }, breaker: { failures: 9, open: 1 } });
    let one = paused();
    const begins = [refuses, fails];
    const over = call(one, () => (begins.shift() ?? fails)(), controller.signal);
    await over.next();
    const rest = async () => {
      while (!(await over.next()).done);
    };
    const last = rest();
    await new Promise((done) => setImmediate(done));
    t.mock.timers.tick(4_999); // before the next sign of life
    await assert.rejects(last, { kind: 'server' });
    isLeft(one);
    one = paused();
    const words = call(one, refuses, controller.signal);
    await words.next();
    const first = words.next();
    await new Promise((done) => setImmediate(done));
    assert.ok(getEventListeners(controller.signal, 'abort').length > 0);
    controller.abort();
    await assert.rejects(async () => first, { kind: 'cancelled' });
    isLeft(one);
  });

  test('whose reader is slow is not one whose server is silent', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    const words = call(candidate({ timeouts: { idle: 800 } }), (signal) => forever('word', signal), controller.signal);
    await words.next();
    t.mock.timers.tick(2_000);
    assert.equal((await words.next()).value, 'word');
    await words.return?.();
  });

  test('of which all servers are left alone goes to the fallback at once', () => {
    const [one, other] = [candidate(), candidate()];
    one.server.health.failed('a', POLICY.breaker, new Error('down'));
    const step = new Search([one, other], '', undefined).next();
    assert.equal(step?.candidate, other);
    assert.equal(step?.wait, undefined);
  });
});

/** One word over and over, until it is no more pulled, or the signal aborts. */
async function* forever(word: string, signal?: AbortSignal): AsyncGenerator<string, void> {
  for (; ; signal?.throwIfAborted()) yield word;
}

/** Fails in a way that is not tried again. */
async function* fails(): AsyncGenerator<string, void> {
  yield '';
  throw new ApiError('server', 'no', { cause: { status: 500 } });
}

/** Says that it has too much to do. */
async function* refuses(): AsyncGenerator<string, void> {
  yield '';
  throw new ApiError('server', 'no', { cause: { status: 503 } });
}
