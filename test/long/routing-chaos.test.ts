import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAllAnswered, type ChaosRole, type ChaosShape, chaos } from '../support/chaos.ts';

const IN_TURN: readonly ChaosRole[] = ['answers', 'hangs', 'resets', 'is at its limit for 1 s'];
const soon = (ms: number) => ({ timeouts: { firstToken: `${ms}ms` } });

test('of four servers three are bad at any time, and each of 2,000 requests is answered, by one of them', async (t) => {
  const result = await chaos(t, { roles: IN_TURN, shift: 1_500, requests: 2_000, atOnce: 24, entry: soon(700) });
  assertAllAnswered(result, t);
  assert.equal(result.begun.size, 2_000);
});

describe('each request is answered for which a server is well at its deadline', () => {
  const shapes: Record<string, ChaosShape> = {
    'though each is bad again before much is known of it': {
      ...{ roles: IN_TURN, shift: 500, requests: 400, atOnce: 24 },
      entry: soon(250),
    },
    'by the one of eight': {
      roles: [
        ...['answers', 'hangs', 'resets', 'is at its limit for 5 s', 'hangs after its head'],
        ...['resets after its head', 'is at its limit', 'is down'],
      ] as ChaosRole[],
      ...{ shift: 700, requests: 250, atOnce: 24, entry: soon(250) },
    },
    'that had asked to be left alone for longer': {
      roles: ['answers', 'is at its limit for 60 s', 'is at its limit for 60 s', 'is down for 60 s'],
      ...{ shift: 700, requests: 400, atOnce: 24 },
    },
    'that says with each answer that nothing is left of its limits': {
      roles: ['answers that nothing is left of its limit', 'resets', 'is down', 'is at its limit for 60 s'],
      ...{ shift: 1_000, requests: 400, atOnce: 24 },
    },
    'of servers that hang for longer than clients wait': {
      roles: ['answers', 'hangs', 'hangs after its head', 'hangs'],
      ...{ shift: 1_500, requests: 100, atOnce: 24, deadline: 10_000 },
    },
    'of servers that are as they are for long': {
      ...{ roles: IN_TURN, shift: 1_000_000, requests: 400, atOnce: 24, deadline: 10_000 },
    },
    'that makes one call at a time': {
      ...{ roles: IN_TURN, shift: 1_000, requests: 150, atOnce: 24, deadline: 15_000 },
      server: { concurrency: 1 },
    },
    'that is slow': {
      roles: ['answers late', 'hangs', 'resets', 'is at its limit for 1 s'],
      ...{ shift: 1_500, requests: 60, atOnce: 24, entry: soon(700) },
    },
    'after all were bad for some seconds': {
      ...{ roles: IN_TURN, shift: 1_000, outage: 4, requests: 200, atOnce: 24, entry: soon(250) },
    },
    'one request after the other': { ...{ roles: IN_TURN, shift: 700, requests: 10, atOnce: 1, deadline: 12_000 } },
  };
  for (const [what, shape] of Object.entries(shapes))
    test(what, async (t) => assertAllAnswered(await chaos(t, shape), t));
});
