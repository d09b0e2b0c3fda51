import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import '../promises/allowances.ts';
import { registered } from '../promises/promise.ts';
import { doorAt, testConfigFile } from '../support/doors/door.ts';
import { startOwnWorker } from '../support/doors/own-worker.ts';
import { startScriptedModel } from '../support/model/scripted.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const source = (options: string) => `
import { openLimits } from '${ROOT}exports/limits.ts';
import { openMcp } from '${ROOT}exports/mcp.ts';
import { createWorker } from '${ROOT}exports/worker.ts';

const { worker, BackgroundTurn } = createWorker(${options});
export default worker;
export { BackgroundTurn };`;

test('limits are counted on workerd, where nothing lives between requests', async (t) => {
  const model = await startScriptedModel();
  const vars = { ANTIPHON_CONFIG: JSON.stringify({ ...testConfigFile(model), auth: 'none' }) };
  const started = await startOwnWorker('limits', { source: source('{ openLimits, openTools: [openMcp] }'), vars });
  const door = doorAt('workerd', (await started.url).origin, model, () => started.dispose());
  t.after(() => door.close());
  const promises = registered.filter(({ id }) => id.startsWith('allowance.'));
  assert.equal(promises.length, 3);
  for (const { id, run } of promises) await t.test(id, () => run(door));
});

test('a Worker without what counts them does not begin with limits', async (t) => {
  const vars = {
    ANTIPHON_CONFIG: JSON.stringify({ tenants: { '*': { limits: { requestsPerMinute: 1 } } }, auth: 'none' }),
  };
  const started = await startOwnWorker('without', { source: source('{}'), vars });
  t.after(() => started.dispose());
  const reply = await fetch(`${(await started.url).origin}/v1/models`);
  assert.equal(reply.status, 500);
  await reply.text();
});
