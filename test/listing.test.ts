import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelsOf } from '../handler/routing/models.ts';
import { anyServer } from './support/backend-contract.ts';

const address = { backend: 'chat', urlHost: null };

test('a backend is asked for its models once, however many ask at the same time and soon afterwards', async () => {
  let asked = 0;
  const backend = {
    prepare: () => ({ async *stream() {} }),
    async models() {
      asked++;
      if (asked > 1) throw new Error('asked again');
      await new Promise((resolve) => setTimeout(resolve, 20));
      return ['a-1', 'b-1'];
    },
  };
  const models = modelsOf([{ match: 'a-*', servers: [{ backend, address, profile: anyServer }] }]);
  const lists = await Promise.all(Array.from({ length: 100 }, () => models.list(1_000)));
  assert.deepEqual(new Set(lists.flat()), new Set(['a-1']));
  assert.deepEqual(await models.list(1_000), ['a-1']);
  assert.equal(asked, 1);
});

test('a backend that does not answer any more counts with what it listed last', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  let fails = false;
  const backend = {
    prepare: () => ({ async *stream() {} }),
    models: async () => (fails ? Promise.reject(new Error('it is down')) : ['a-1']),
  };
  const models = modelsOf([{ match: '*', servers: [{ backend, address, profile: anyServer }] }]);
  assert.deepEqual(await models.list(1_000), ['a-1']);
  fails = true;
  now += 60_000;
  assert.deepEqual(await models.list(1_000), ['a-1']);
});
