import { test } from 'node:test';
import { assertAllAnswered, chaos } from './support/chaos.ts';

test('of four servers three are bad, others after each half second, and each request is answered by one of them', async (t) => {
  const roles = ['answers', 'hangs', 'resets', 'is at its limit for 5 s'] as const;
  const entry = { timeouts: { firstToken: '250ms' } };
  assertAllAnswered(await chaos(t, { roles, shift: 500, requests: 150, atOnce: 16, entry }), t);
});
