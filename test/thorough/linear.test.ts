import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { forwarded } from '../linear/forwarded.ts';
import { pages } from '../linear/pages.ts';
import { replies } from '../linear/replies.ts';
import { requests } from '../linear/requests.ts';
import { type Case, openScene, type Scene } from '../linear/scene.ts';

/** How much longer the longer one is. */
const TIMES = 8;

/** The maximum cost, as a multiple: half of a quadratic one. Linear is 8, and more where data outgrows a cache. */
const MOST = (TIMES * TIMES) / 2;

/** Runs of each length, of which the median counts. */
const RUNS = 3;

let scene: Scene;
before(async () => {
  scene = await openScene();
});
after(() => scene.close());

/** The milliseconds of CPU that this process takes for a case of a length. */
async function costOf({ run }: Case, n: number): Promise<number> {
  const before = process.cpuUsage();
  await run(scene, n);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function medianOf(measured: Case, n: number): Promise<number> {
  const costs: number[] = [];
  for (let time = 0; time < RUNS; time++) costs.push(await costOf(measured, n));
  return costs.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? 0;
}

for (const [name, cases] of Object.entries({ requests, replies, forwarded, pages })) {
  describe(`${name}: eight times as much costs about eight times as much`, () => {
    for (const one of cases) {
      test(one.says, async (t) => {
        await one.run(scene, one.size); // what runs for the first time is compiled first
        const [short, long] = [await medianOf(one, one.size), await medianOf(one, TIMES * one.size)];
        t.diagnostic(`${short.toFixed(1)} and ${long.toFixed(1)} ms: ${(long / short).toFixed(1)} times`);
        assert.ok(long < MOST * short, `${short} and ${long} ms`);
      });
    }
  });
}
