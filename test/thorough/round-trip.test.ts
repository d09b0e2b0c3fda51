import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openInProcess } from '../support/doors/in-process.ts';
import { takesBack } from '../support/round-trip.ts';

for (const protocol of ['chat', 'responses', 'anthropic'] as const) {
  test(`whatever a model says on ${protocol} is taken back, however it is sent back`, async (t) => {
    const door = await openInProcess();
    t.after(() => door.close());
    let followUps = 0;
    for (let seed = 100; seed < 190; seed++) followUps += await takesBack(door, protocol, seed);
    assert.ok(followUps > 400, `${followUps} follow-ups`);
  });
}
