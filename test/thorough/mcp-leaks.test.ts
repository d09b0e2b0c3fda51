import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '../promises/ask.ts';
import { add, callOf, entryFor } from '../promises/mcp-ask.ts';
import { until } from '../promises/state-ask.ts';
import { post } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';

/** What keeps this process, without the connections that are kept for whoever calls next. */
const resources = () =>
  process
    .getActiveResourcesInfo()
    .filter((name) => !/TCP|Immediate/.test(name))
    .sort();

test('fifty turns of four calls at once leave no session, no timer and no connection more than one turn does', async (t) => {
  const door = await openInProcess();
  t.after(() => door.close());
  for (const era of ['2025', '2026', 'sse'] as const) {
    const server = door.model.mcp.serve([add], { era });
    const tools = [entryFor(server)];
    const turn = async (index: number) => {
      const calls = [1, 2, 3, 4].map((number) => callOf(server, { args: { a: index, b: number }, id: `c${number}` }));
      const { output } = await create(door, { model: door.model.script(callsFunctions(...calls), says('ok')), tools });
      const results = output.filter((item) => item.type === 'mcp_call').map((item) => item.output);
      assert.deepEqual(results.sort(), [1, 2, 3, 4].map((number) => String(index + number)).sort());
    };
    await turn(0);
    await until(() => server.sessions.size === 0);
    const before = resources();
    for (let at = 0; at < 50; at += 5) await Promise.all([1, 2, 3, 4, 5].map((number) => turn(at + number)));
    await until(() => server.sessions.size === 0);
    if (era !== '2026') assert.equal(server.begun, 51);
    await until(() => resources().length <= before.length);
    assert.deepEqual(resources(), before);
  }
});

test('a client that leaves in the middle of a call, and one that cancels, leave no session', async (t) => {
  const door = await openInProcess();
  t.after(() => door.close());
  for (const era of ['2025', 'sse'] as const) {
    const server = door.model.mcp.serve([{ name: 'add', run: () => new Promise(() => {}) }], { era });
    const tools = [entryFor(server)];
    const model = door.model.script(callsFunctions(callOf(server)));
    const leaving = new AbortController();
    const left = post(door, { model, input: 'Hi', tools, stream: true }, { signal: leaving.signal })
      .then((reply) => reply.text())
      .catch(() => {});
    await until(() => server.of('tools/call').length === 1);
    leaving.abort();
    await left;
    await until(() => server.sessions.size === 0);
    const { id } = await create(door, { model, tools, background: true });
    await until(() => server.of('tools/call').length === 2);
    await door.fetch(`/v1/responses/${id}/cancel`, { method: 'POST' });
    await until(() => server.sessions.size === 0);
  }
});
