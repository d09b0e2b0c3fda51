import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Job, Work } from '../../handler/background/runner.ts';
import type { Handler } from '../../handler/index.ts';
import { backgroundTurnClass, type ObjectState, objectRunner } from '../../handler/worker/background-turn.ts';
import type { Bindings } from '../../handler/worker/bindings.ts';
import { tryContract } from '../support/contract.ts';
import { startWorker } from '../support/doors/workerd.ts';
import { newFolder } from '../support/folder.ts';
import { freePort } from '../support/ports.ts';
import { runnerContract } from '../support/runner-contract.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The Durable Object of the product, whose work is done where the contract is tried; the path names the object. */
const worker = `
import { backgroundTurnClass } from '${ROOT}handler/worker/background-turn.ts';

const open = async ({ WORK }) => ({
  handler: { deliver: async () => undefined },
  work: async (job, signal) => {
    const reply = await fetch(WORK, { method: 'POST', body: JSON.stringify(job), signal }).catch(() => undefined);
    return reply === undefined || reply.json();
  },
  flush: async () => {},
});

export const BackgroundTurn = backgroundTurnClass(open, (run) => run());

export default {
  fetch(request, { TURNS }) {
    const name = decodeURIComponent(new URL(request.url).pathname.slice(1));
    return TURNS.get(TURNS.idFromName(name)).fetch(request);
  },
};`;

/** Who does a job: each case of the contract has jobs of its own. */
const works = new Map<string, Work>();

const server = createServer(async (request, reply) => {
  const job = JSON.parse(await text(request)) as Job; // as the object sends it
  const left = new AbortController();
  reply.on('close', () => left.abort());
  const work = works.get(job.id);
  reply.end(JSON.stringify((await work?.(job, left.signal)) ?? true));
});

let dir: string;
let started: Awaited<ReturnType<typeof startWorker>>;

before(async () => {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'; // wrangler would look up a sample request's details
  process.env.WRANGLER_SEND_METRICS = 'false';
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  dir = newFolder();
  const main = join(dir, 'worker.mjs');
  await writeFile(main, worker);
  const config = join(dir, 'wrangler.json');
  const objects = { bindings: [{ name: 'TURNS', class_name: 'BackgroundTurn' }] };
  const migrations = [{ tag: 'v1', new_sqlite_classes: ['BackgroundTurn'] }];
  const vars = { WORK: `http://127.0.0.1:${port}/` };
  const settings = { compatibility_date: '2026-10-01', durable_objects: objects, migrations, vars };
  await writeFile(config, JSON.stringify({ name: 'runner', main, ...settings }));
  started = await startWorker({ config });
});
after(async () => {
  await started.dispose();
  server.close().closeAllConnections();
});

tryContract('an object on Workers for each job', runnerContract, async () => ({
  runner(work) {
    const runner = objectRunner({
      idFromName: (name) => ({ name }),
      get: (id) => ({
        async fetch(_, init) {
          const { origin } = await started.url;
          return fetch(`${origin}/${encodeURIComponent((id as { name: string }).name)}`, init); // as made above
        },
      }),
    });
    return {
      ...runner,
      start(job) {
        works.set(job.id, work);
        return runner.start(job);
      },
    };
  },
  outlives: true,
  async close() {},
}));

test('the alarm of an object ends when the traces of its work are handed over, whatever comes of the work', async () => {
  const told: string[] = [];
  const job: Job = { tenant: '', id: 'resp_1', caller: 'a' };
  const Turn = backgroundTurnClass(
    async () => ({
      handler: { deliver: async () => void told.push('deliver') } as unknown as Handler, // all that the object calls
      async work() {
        told.push('work');
        throw new Error('no');
      },
      async flush() {
        await setImmediate();
        told.push('flush');
      },
    }),
    (run) => run(),
  );
  const stateOf = (job: Job | undefined): ObjectState => ({
    storage: { get: async () => job, put: async () => {}, deleteAll: async () => {}, setAlarm: async () => {} },
  });
  const bindings = {} as Bindings; // those of this object are not read
  await assert.rejects(new Turn(stateOf(job), bindings).alarm(), /no/);
  await new Turn(stateOf(undefined), bindings).alarm();
  assert.deepEqual(told, ['work', 'flush', 'deliver', 'flush']);
});
