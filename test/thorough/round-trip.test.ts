import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openInProcess } from '../support/doors/in-process.ts';
import { LONG } from '../support/long.ts';
import { takesBack } from '../support/round-trip.ts';

/** How many models say something. */
const MODELS = LONG ? 90 : 30;

for (const protocol of ['chat', 'responses', 'anthropic'] as const) {
  test(`whatever a model says on ${protocol} is taken back, however it is sent back`, async (t) => {
    const door = await openInProcess();
    t.after(() => door.close());
    let followUps = 0;
    for (let seed = 100; seed < 100 + MODELS; seed++) followUps += await takesBack(door, protocol, seed);
    assert.ok(followUps > 4 * MODELS, `${followUps} follow-ups`);
  });
}
