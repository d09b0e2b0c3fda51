import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { until } from '../promises/state-ask.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { mcpCall, plays, shown } from '../support/played-tool.ts';
import { freePort } from '../support/ports.ts';

const TURNS = 50;
const CALLS = 4;

/** Timers and sockets of this process, by their kinds. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

test(`${TURNS} turns with ${CALLS} calls at a time leave no session, socket or timer behind, however they end`, async (t) => {
  const door = await openInProcess();
  const service = createServer((_, res) => {
    setTimeout(() => res.end('worked'), 5); // so that calls of one round overlap
  });
  service.keepAliveTimeout = 0;
  service.listen(await freePort(), '127.0.0.1');
  await once(service, 'listening');
  const address = service.address();
  assert.ok(address && typeof address === 'object');
  t.after(async () => {
    await door.close();
    service.close().closeAllConnections();
  });
  let [opened, closed, running, ended] = [0, 0, 0, 0];
  const work = async (signal: AbortSignal) => {
    running++;
    try {
      const init = { signal, headers: { connection: 'close' } };
      return { output: await (await fetch(`http://127.0.0.1:${address.port}/`, init)).text() };
    } finally {
      ended++;
    }
  };
  const entry = () =>
    plays({
      opens: async () => void opened++,
      functions: { work: (_, signal) => work(signal) },
      showing: {
        async *fails(call, signal) {
          await work(signal);
          yield* shown(mcpCall('played', 'fails', call.arguments), () => 'it will not work');
          throw new Error('it does not work');
        },
      },
      close: async () => void closed++,
    });
  const calls = (last: string) =>
    Array.from({ length: CALLS }, (_, n) => ({ name: n === CALLS - 1 ? last : 'work', args: '{}', id: `c${n}` }));
  const ask = async (turn: number) => {
    const [leaves, stream, background] = [turn % 5 === 1, turn % 5 === 2, turn % 5 === 3];
    const model = door.model.script(callsFunctions(...calls(turn % 5 === 4 ? 'fails' : 'work')), says('Done.'));
    const leaving = new AbortController();
    const before = running;
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, signal: leaving.signal };
    const body = JSON.stringify({ model, input: 'Hi', tools: [entry()], stream, background });
    const reply = door.fetch('/v1/responses', { ...init, body }).then(
      (it) => it.text(),
      () => '', // it has left
    );
    if (leaves) {
      await until(() => running === before + CALLS);
      leaving.abort();
    }
    await reply;
    await until(() => running === before + CALLS); // in the background
  };
  const askAll = async (count: number) => {
    for (let turn = 0; turn < count; turn++) {
      await ask(turn);
      await until(() => opened > 0 && closed === opened && running === ended);
    }
  };
  await askAll(10); // connections to the model and the database are there from now on
  let before = resources();
  await until(() => {
    const was = before;
    before = resources();
    return JSON.stringify(was) === JSON.stringify(before);
  });
  await askAll(TURNS);
  assert.equal(opened, 10 + TURNS);
  assert.equal(running, (10 + TURNS) * CALLS, 'all calls of a round run');
  // Sockets that the last turn was made over close in a moment.
  await until(() => JSON.stringify(resources()) === JSON.stringify(before)).catch(() => {});
  assert.deepEqual(resources(), before);
});
