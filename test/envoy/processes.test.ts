import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import { accepts } from '../../envoy/ports.ts';
import { checkProcesses } from '../../shim/processes/check.ts';
import { mergeMetrics } from '../../shim/processes/merge-metrics.ts';
import { startProduct } from '../../shim/product.ts';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { freePorts } from '../support/ports.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';

const LINUX = { skip: process.platform === 'linux' ? false : 'it finds processes in /proc', timeout: 120_000 };

/** A line of a log that is of one of the processes. */
interface Line {
  message: string;
  process?: number;
  request_id?: string;
}

interface Several {
  product: ProductProcess;
  model: ScriptedModel;
  client: OpenAI;
  /** The file of its configuration. */
  file: string;
  /** Its gRPC ports begin here. */
  first: number;
}

/** The command with so many processes; it ends with the test. */
async function startSeveral(
  t: TestContext,
  processes: number,
  config: object = {},
  args: string[] = [],
): Promise<Several> {
  const folder = newFolder();
  const model = await startScriptedModel();
  t.after(model.close);
  const models = [{ match: '*', backend: 'chat', url: model.url }];
  const file = await writeConfig(folder, { processes, database: `sqlite:${folder}/a.db`, models, ...config });
  const first = await freePorts(processes);
  const product = await startCommand(['-config', file, '-port', `${first}`, ...args]);
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
  });
  const client = new OpenAI({ baseURL: `${product.envoy}/v1`, apiKey: 'test', maxRetries: 0 });
  return { product, model, client, file, first };
}

/** The pids of the processes, by their numbers. */
async function pidsOf(supervisor: number): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for (const name of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const text = (file: string) => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '');
    const [, number] = /child\.ts\0(\d+)\0/.exec(await text('cmdline')) ?? [];
    const [, parent] = /^PPid:\s*(\d+)/m.exec(await text('status')) ?? [];
    if (number && Number(parent) === supervisor) found.set(Number(number), Number(name));
  }
  return found;
}

/** The lines of a log, each of which has to be whole. */
function linesOf({ stdout }: ProductProcess): Line[] {
  return stdout()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const unready = async (admin: string) =>
  (await (await fetch(`${admin}/readyz`)).json()) as { reasons?: string[]; notes?: string[] };

test(
  'several processes are one server: one Envoy, one HTTP port, one admin listener, one log, one end',
  LINUX,
  async (t) => {
    const { product, model, client, file, first } = await startSeveral(t, 3, {}, ['-log-level', 'debug']);
    assert.match(product.stderr(), new RegExp(`ext_proc +127.0.0.1:${first} to 127.0.0.1:${first + 2}\n`));
    for (const port of [first, first + 1, first + 2]) assert.ok(await accepts('127.0.0.1', port));

    // Long lines, at once, from all of them: none is torn.
    const text = 'x'.repeat(900);
    const name = model.script(says(text));
    const input = 'y'.repeat(2_000);
    const asked = Array.from({ length: 60 }, (_, n) =>
      client.responses.create({ model: name, input, metadata: { n: `${n}` } }),
    );
    for (const response of await Promise.all(asked)) assert.equal(response.output_text, text);
    await Promise.all(
      Array.from({ length: 40 }, () => fetch(`${product.http}/health`, { headers: { connection: 'close' } })),
    );
    await until(() => linesOf(product).filter(({ message }) => message === 'request').length >= 100);
    const requests = linesOf(product).filter(({ message }) => message === 'request');
    assert.deepEqual([...new Set(requests.map(({ process }) => process))].sort(), [1, 2, 3]);
    assert.equal(new Set(requests.map(({ request_id }) => request_id)).size, requests.length);

    const metrics = await (await fetch(`${product.admin}/metrics`)).text();
    assert.equal(metrics.match(/^# TYPE antiphon_ready gauge$/gm)?.length, 1);
    assert.deepEqual(metrics.match(/^antiphon_ready\{process="\d"\} 1$/gm)?.length, 3);
    assert.equal(((await (await fetch(`${product.admin}/config`)).json()) as { processes: number }).processes, 3);
    assert.equal((await fetch(`${product.admin}/livez`)).status, 200);
    assert.deepEqual(await unready(product.admin), { status: 'ready' });

    // A configuration that changes is read by all; a wrong one by none, and it is noted.
    const reloaded = (message: string) => linesOf(product).filter((line) => line.message === message).length;
    const config = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...config, retention: '5d' }));
    await until(() => reloaded('the configuration was reloaded') === 3);
    await writeFile(file, JSON.stringify({ ...config, retention: 'long' }));
    await until(async () => (await unready(product.admin)).notes?.[0] === 'reload');
    await writeFile(file, JSON.stringify(config));
    await until(() => reloaded('the configuration was reloaded') === 6);
    product.kill('SIGHUP');
    await until(() => reloaded('the configuration was reloaded') === 9);

    // All drain: what is in flight in any of them ends whole.
    const begun: Promise<void>[] = [];
    const end = Promise.withResolvers<void>();
    const slow = () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      begun.push(promise);
      return model.script(async (turn) => {
        await turn.text('one ');
        resolve();
        await end.promise;
        await turn.text('two');
        await turn.finish();
      });
    };
    const running = Array.from({ length: 12 }, () => client.responses.create({ model: slow(), input: 'Hi' }));
    await Promise.all(begun);
    product.kill('SIGTERM');
    await until(async () => (await unready(product.admin)).reasons?.[0] === 'draining');
    end.resolve();
    for (const response of await Promise.all(running)) assert.equal(response.output_text, 'one two');
    assert.equal(await product.exited, 0);
    assert.equal((await pidsOf(product.pid)).size, 0);
    for (const origin of [product.http, product.envoy, product.admin]) await assert.rejects(fetch(origin));
    linesOf(product);
  },
);

test('a process that is killed is started again, and those that are left serve meanwhile', LINUX, async (t) => {
  const { product, model, client } = await startSeveral(t, 2, { limits: { lease: '1s' } });
  const name = model.script(says('Hello'));
  const ask = () => client.responses.create({ model: name, input: 'Hi' });
  const [before, other] = [await pidsOf(product.pid), (await pidsOf(product.pid)).get(1)];
  const pid = before.get(2);
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  await until(() =>
    linesOf(product).some(({ message, process }) => message === 'a process has exited' && process === 2),
  );
  for (let n = 0; n < 20; n++) assert.equal((await ask()).output_text, 'Hello');
  await until(() =>
    linesOf(product).some(({ message, process }) => message === 'a process is running again' && process === 2),
  );
  assert.deepEqual(await unready(product.admin), { status: 'ready' });
  const after = await pidsOf(product.pid);
  assert.equal(after.get(1), other);
  assert.notEqual(after.get(2), pid);
  await until(async () => {
    await ask();
    return linesOf(product).some(({ message, process }) => message === 'request' && process === 2);
  });
  // One that is asked to end, as by an operator who replaces them one after another, is as well.
  process.kill(after.get(1) ?? 0, 'SIGTERM');
  for (let n = 0; n < 20; n++) assert.equal((await ask()).output_text, 'Hello');
  await until(async () => ![undefined, other].includes((await pidsOf(product.pid)).get(1)));
  product.kill('SIGINT');
  assert.equal(await product.exited, 0);
});

test('processes end with a supervisor that is killed, and another can start in its place', LINUX, async (t) => {
  const { product, file, first } = await startSeveral(t, 2);
  const pids = [...(await pidsOf(product.pid)).values()];
  assert.equal(pids.length, 2);
  product.kill('SIGKILL');
  await product.exited;
  const isGone = (pid: number) =>
    readFile(`/proc/${pid}/cmdline`).then(
      (line) => line.length === 0,
      () => true,
    );
  await until(async () => (await Promise.all(pids.map(isGone))).every(Boolean));
  const ports = ['-http-port', new URL(product.http).port, '-envoy-port', new URL(product.envoy).port];
  await until(async () => !(await accepts('127.0.0.1', Number(new URL(product.envoy).port))));
  const next = await startCommand(['-config', file, '-port', `${first}`, ...ports]);
  t.after(() => next.kill('SIGKILL'));
  assert.match(next.stderr(), /is ready/, next.stderr());
  next.kill('SIGTERM');
  assert.equal(await next.exited, 0);
});

test(
  'what is wrong is told once, whether the supervisor finds it or all of the processes, and nothing is left',
  LINUX,
  async (t) => {
    const folder = newFolder();
    const models = [{ match: '*', backend: 'demo' }];
    const first = await freePorts(2);
    const refused = async (config: object, says: RegExp, args: string[] = []) => {
      const file = await writeConfig(folder, { processes: 2, database: `sqlite:${folder}/a.db`, models, ...config });
      const product = await startCommand(['-no-envoy', '-config', file, '-port', `${first}`, ...args]);
      t.after(() => product.kill('SIGKILL'));
      assert.equal(await product.exited, 1, product.stderr());
      assert.equal(product.stderr().match(/^antiphon: /gm)?.length, 1, product.stderr());
      assert.doesNotMatch(product.stdout(), /ERROR/);
      assert.match(product.stderr(), says);
      assert.equal((await pidsOf(product.pid)).size, 0);
    };
    await refused({ processes: 0 }, /processes must be at least 1/);
    await refused({ processes: '2' }, /processes must be a number/);
    await refused({ database: 'sqlite::memory:' }, /processes is 2, and a database in memory is of one: name a file/);
    await refused({}, /listen\.http has port \d+, one of those of 2 processes/, ['-http-port', `${first + 1}`]);
    await refused({ retention: 'long', database: 'sqlite::memory:' }, /processes is 2[\s\S]*retention must be/);
    await writeFile(`${folder}/no.db`, 'this is no database, and long enough to be seen as none'.repeat(100));
    await refused({ database: `sqlite:${folder}/no.db` }, /cannot open sqlite:.*no\.db/);
    const busy = await startCommand(['-no-envoy', '-port', `${first + 1}`]);
    t.after(async () => {
      busy.kill('SIGKILL');
      await busy.exited;
    });
    await refused({}, new RegExp(`port ${first + 1} is in use: choose another with -port`));
    await refused({}, /-http-port.* is in use/, [
      '-http-port',
      new URL(busy.http).port,
      '-port',
      `${await freePorts(2)}`,
    ]);
  },
);

test('what several processes cannot share is refused, with its key', () => {
  const listen = { grpc: '127.0.0.1:50051', http: '127.0.0.1:8080', envoy: '127.0.0.1:10000', admin: '127.0.0.1:9464' };
  const problems = (config: object, platform: NodeJS.Platform = 'linux') => {
    try {
      checkProcesses({ processes: 4, database: { url: 'sqlite:a.db' }, listen, ...config }, platform);
      return '';
    } catch (error) {
      return String(error);
    }
  };
  assert.equal(problems({}), '');
  assert.equal(problems({ processes: 1, database: { url: 'sqlite::memory:' } }, 'darwin'), '');
  assert.match(
    problems({}, 'darwin'),
    /listen\.http is a port, which processes cannot share on darwin: write off, or unix:PATH/,
  );
  assert.equal(problems({ listen: { ...listen, http: 'off' } }, 'darwin'), '');
  assert.equal(problems({ listen: { ...listen, http: 'unix:/run/a' } }, 'darwin'), '');
  assert.match(problems({ listen: { ...listen, grpc: '127.0.0.1:65534' } }), /listen\.grpc is the first of 4 ports/);
  assert.match(problems({ listen: { ...listen, admin: '127.0.0.1:50054' } }), /listen\.admin has port 50054/);
  assert.equal(problems({ listen: { ...listen, grpc: 'unix:/run/g', admin: '127.0.0.1:50054' } }), '');
  assert.match(problems({ listen: { ...listen, http: '127.0.0.1:0' } }), /listen\.http is any free port/);
});

test('metrics of several processes are one text, each sample with its process', () => {
  const text = (n: number) =>
    `# HELP a_total counts\n# TYPE a_total counter\na_total ${n}\n# TYPE b histogram\nb_bucket{le="1",x="{\\"}"} ${n}\nb_sum ${n}\n`;
  assert.equal(
    mergeMetrics(new Map([1, 3].map((n) => [n, text(n)]))),
    [
      ...['# HELP a_total counts', '# TYPE a_total counter', 'a_total{process="1"} 1', 'a_total{process="3"} 3', ''],
      ...['# TYPE b histogram', 'b_bucket{process="1",le="1",x="{\\"}"} 1', 'b_sum{process="1"} 1'],
      ...['b_bucket{process="3",le="1",x="{\\"}"} 3', 'b_sum{process="3"} 3', ''],
    ].join('\n'),
  );
});

test('a program that starts the product itself is told to start its own processes', async () => {
  await assert.rejects(
    startProduct({ config: { processes: 2, models: [{ match: '*', backend: 'demo' }], auth: 'none' } }),
    /processes is 2, which the command alone starts: start your own program as often/,
  );
});
