import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultLimits, fixedLimits } from '../../handler/limits.ts';
import { create } from '../promises/ask.ts';
import { conversation, have, type List, turnRefused } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { testConfig } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { says } from '../support/model/scripted.ts';
import { takenOver } from '../support/processes.ts';

/** More than the limit of the second process, and far less than that of the first. */
const LONG = { role: 'user', content: 'x'.repeat(2_000) };
const LIMIT = 1_000;

/** Two processes on one database, of which the first makes no background turns and the second reads little. */
async function open(t: { after(fn: () => Promise<void>): void }) {
  const database = await testDatabase();
  const runner = () => ({ async start() {}, async stop() {}, async close() {} });
  const roomy = await openInProcess({ database, runner });
  const config = testConfig(roomy.model);
  const tight = await openInProcess({ database, config: { ...config, limits: { ...config.limits, history: LIMIT } } });
  t.after(async () => {
    await tight.close();
    await roomy.close();
  });
  return { roomy, tight };
}

const tooLarge = { status: 400, code: 'context_length_exceeded', param: 'previous_response_id' };

test('what a chain began with in a conversation counts', async (t) => {
  const { roomy, tight } = await open(t);
  const model = roomy.model.script(says('ok'));
  const id = await conversation(roomy, { items: [LONG] });
  const inside = await create(roomy, { model, input: 'A', conversation: id });
  const after = await create(roomy, { model, input: 'B', previous_response_id: inside.id });
  for (const previous of [inside, after]) await turnRefused(tight, { previous_response_id: previous.id }, tooLarge);
  const summed = await create(roomy, {
    model,
    input: [{ type: 'compaction_trigger' }],
    previous_response_id: after.id,
  });
  await create(tight, { model, input: 'C', previous_response_id: summed.id });
});

test('a history of more items than are read at once is not gone on from', async (t) => {
  const { roomy } = await open(t);
  const config = testConfig(roomy.model);
  const limits = { ...config.limits, history: defaultLimits.history };
  const door = await openInProcess({ config: { ...config, limits } });
  t.after(() => door.close());
  const model = roomy.model.script(says('ok'));
  const many = Array.from({ length: defaultLimits.items }, () => ({ role: 'user', content: '' }));
  let previous: string | undefined;
  for (let held = 0; held < fixedLimits.historyItems; held += many.length) {
    const { id } = await create(door, { model, input: many, previous_response_id: previous, store: true });
    previous = id;
  }
  await turnRefused(door, { model, previous_response_id: previous }, tooLarge);
});

test('a history of no items is none that is too large', async (t) => {
  const { roomy, tight } = await open(t);
  const model = roomy.model.script(says('ok'));
  const id = await conversation(roomy, { items: [LONG] });
  const { data } = await have<List>(roomy, 'GET', `/v1/conversations/${id}/items`);
  await have(roomy, 'DELETE', `/v1/conversations/${id}/items/${data[0]?.id}`);
  await create(tight, { model, input: 'A', conversation: id });
});

test('a background turn whose history is larger than its process reads fails, and is not tried for ever', async (t) => {
  const { roomy, tight } = await open(t);
  const model = roomy.model.script(says('ok'));
  const first = await create(roomy, { model, input: [LONG] });
  const inside = await conversation(roomy, { items: [LONG] });
  for (const named of [{ previous_response_id: first.id }, { conversation: inside }]) {
    const { id } = await create(roomy, { model, input: 'Hi', background: true, ...named });
    const { status, error } = await takenOver(tight, id);
    assert.equal(status, 'failed');
    assert.match(error?.message ?? '', /larger than this server reads/);
  }
  const short = await create(roomy, { model, input: 'Hi', background: true });
  assert.equal((await takenOver(tight, short.id)).status, 'completed');
});
