import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMaintenance } from '../handler/maintenance.ts';

test('what has to be done now and then is done at once and again, whatever fails, until it is ended', async () => {
  const done = { sweep: 0, resume: 0, deliver: 0, probe: 0 };
  const again = Promise.withResolvers<void>();
  const work = {
    sweep: async () => {
      done.sweep++;
      throw new Error('no database');
    },
    resume: async () => {
      if (++done.resume === 3) again.resolve();
    },
    deliver: async () => {
      done.deliver++;
    },
    probe: async () => {
      done.probe++;
    },
  };
  const end = startMaintenance(work, 30);
  assert.deepEqual(done, { sweep: 1, resume: 1, deliver: 1, probe: 1 });
  await again.promise;
  end();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(done.resume, 3);
});
