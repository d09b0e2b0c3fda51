import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { newFolder } from '../test/support/folder.ts';
import { freePort, freePorts } from '../test/support/ports.ts';
import { type PostgresServer, startPostgres } from '../test/support/postgres-server.ts';
import { asker, type Language } from './ask.ts';
import { type Child, startProgram, startScript } from './children.ts';
import { Connection } from './connection.ts';
import { type Generator, startGenerator } from './generator.ts';
import { type Counter, startCounter } from './pg-counter.ts';
import { SHAPES } from './plan.ts';
import { processTree } from './process-tree.ts';
import { median, quantile } from './statistics.ts';

// npm run bench:replicas [-- --quick]: processes on one machine, on SQLite and PostgreSQL: how they share the work, what a turn
// takes of the database, and what a killed one costs. It prints a table, and writes nothing.

const isQuick = process.argv.includes('--quick');
const COUNTS = [1, 2, 4];
const ROUNDS = isQuick ? 1 : 5;
/** A process that has made fewer turns still compiles; on a busy machine it stays at that. */
const WARM_TURNS = isQuick ? 100 : 3_000;
const WARM_S = 40;
const MEASURE_S = isQuick ? 1 : 2;
/** Turns whose traffic to the database is counted, of each kind. */
const COUNTED = 200;
/** Clients while a process is killed, and how long they ask before and after, in milliseconds. */
const CLIENTS = 24;
const [BEFORE_MS, AFTER_MS] = [2_000, isQuick ? 4_000 : 8_000];

const KINDS = ['SQLite', 'PostgreSQL'] as const;
type Kind = (typeof KINDS)[number];

/** The product with several processes. */
interface Running extends Child {
  envoy: number;
  http: number;
  /** Starts it once more, on the same ports and database. */
  again(): Promise<Running>;
}

interface Row {
  kind: Kind;
  processes: number;
  door: 'envoy' | 'http';
  perSecond: number;
  p99: number;
  /** Microseconds of CPU for each turn: of all our processes, of the one that supervises, of Envoy, of PostgreSQL. */
  cpu: Record<'ours' | 'supervisor' | 'envoy' | 'database', number>;
}

interface Killed {
  kind: Kind;
  processes: number;
  requests: number;
  failed: number;
  /** Requests that failed though they were sent after the process was gone. */
  late: number;
  p99: number;
}

interface Counted {
  turn: string;
  roundTrips: number;
  to: number;
  from: number;
}

/** What else runs makes rates say little, and CPU a turn still much. */
const [busyBefore = 0] = loadavg();

const say = (line: string) => process.stderr.write(`${line}\n`);

async function start(mock: number, processes: number, database: string): Promise<Running> {
  const folder = newFolder();
  const [grpc, http, envoy] = [await freePorts(processes), await freePort(), await freePort()];
  const at = (port: number) => `127.0.0.1:${port}`;
  const config = join(folder, 'config.yaml');
  await writeFile(
    config,
    JSON.stringify({
      processes,
      models: [{ match: 'bench', backend: 'chat', url: `http://${at(mock)}/v1` }],
      database: database || `sqlite:${folder}/bench.db`,
      listen: { grpc: at(grpc), http: at(http), envoy: at(envoy), admin: 'off' },
      limits: { lease: '1s' },
    }),
  );
  const main = fileURLToPath(new URL('../shim/main.ts', import.meta.url));
  const args = [main, '-config', config, '-log-level', 'warn'];
  const again = async (): Promise<Running> => {
    const child = await startProgram({ name: 'the product', args, folder, ready: 'Antiphon is ready' });
    return { ...child, envoy, http, again };
  };
  return again();
}

/** Rates and CPU of JSON turns, each without a history. */
async function measure(
  generator: Generator,
  product: Running,
  postgres: number | undefined,
  row: Pick<Row, 'kind' | 'processes' | 'door'>,
): Promise<Row> {
  const load = {
    port: product[row.door],
    language: 'responses' as const,
    shape: SHAPES.turn,
    connections: 32,
    processes: {},
  };
  const until = performance.now() + WARM_S * 1_000;
  for (let warm = 0; warm < WARM_TURNS * row.processes && performance.now() < until; ) {
    warm += (await generator.hammer({ ...load, seconds: 1 })).requests;
  }
  const rates: number[] = [];
  const p99: number[] = [];
  let turns = 0;
  const before = readCpu(product.pid, postgres);
  for (let round = 0; round < ROUNDS; round++) {
    const bout = await generator.hammer({ ...load, seconds: MEASURE_S });
    rates.push(bout.requestsPerSecond);
    p99.push(bout.p99);
    turns += bout.requests;
  }
  const after = readCpu(product.pid, postgres);
  const per = (name: keyof Row['cpu']) => (after[name] - before[name]) / turns;
  const cpu = { ours: per('ours'), supervisor: per('supervisor'), envoy: per('envoy'), database: per('database') };
  return { ...row, perSecond: median(rates), p99: median(p99), cpu };
}

function readCpu(product: number, postgres: number | undefined): Row['cpu'] {
  const sum = (processes: { cpu: number }[]) => processes.reduce((sum, { cpu }) => sum + cpu, 0);
  const tree = processTree(product);
  const isEnvoy = ({ command }: { command: string }) => command.includes('--config-yaml');
  return {
    ours: sum(tree.filter((process) => !isEnvoy(process))),
    supervisor: sum(tree.filter(({ pid }) => pid === product)),
    envoy: sum(tree.filter(isEnvoy)),
    database: postgres === undefined ? 0 : sum(processTree(postgres)),
  };
}

/**
 * Kills one of the processes under a load of streams and JSON. The supervisor starts it again; one that is alone has none, and its Envoy ends
 * with it: that we start again at once, as a service manager does. Gives what runs then.
 */
async function kill(product: Running, kind: Kind, processes: number): Promise<{ row: Killed; running: Running }> {
  const asked: { at: number; ms: number; failed: boolean }[] = [];
  let isOver = false;
  /** Opens a connection; until there is somebody to connect to, that is one request that failed. */
  const open = async () => {
    const at = performance.now();
    for (let tries = 0; ; tries++) {
      try {
        return await Connection.open(product.envoy);
      } catch {
        if (tries === 0) asked.push({ at, ms: 0, failed: true });
        await sleep(20);
      }
    }
  };
  const keepAsking = async (language: Language) => {
    const next = asker(language, SHAPES.atOnce);
    let connection = await open();
    while (!isOver) {
      const ask = next();
      const at = performance.now();
      const failed = await connection
        .send(ask.request)
        .then(
          (answer) => {
            ask.check(answer);
            return false;
          },
          () => true,
        )
        .catch(() => true);
      asked.push({ at, ms: performance.now() - at, failed });
      if (!failed) continue;
      connection.close(); // a stream that was cut leaves it as it is
      connection = await open();
    }
    connection.close();
  };
  const clients = Array.from({ length: CLIENTS }, (_, n) => keepAsking(n % 2 === 0 ? 'responses' : 'responses stream'));
  await sleep(BEFORE_MS);
  const all = processTree(product.pid);
  const killed = processes === 1 ? all : all.filter(({ command }) => /child\.ts 2 /.test(command));
  if (killed.length === 0) throw new Error('there is no second process');
  process.kill(processes === 1 ? product.pid : (killed[0]?.pid ?? 0), 'SIGKILL');
  while (killed.some(({ pid }) => isRunning(pid))) await sleep(1);
  const gone = performance.now();
  const running = processes === 1 ? await product.again() : product;
  await sleep(AFTER_MS);
  isOver = true;
  await Promise.all(clients);
  const failed = asked.filter((request) => request.failed);
  const p99 = quantile(
    asked.flatMap(({ at, ms, failed }) => (at > gone && !failed ? [ms] : [])),
    0.99,
  );
  const late = failed.filter(({ at }) => at > gone).length;
  return { row: { kind, processes, requests: asked.length, failed: failed.length, late, p99 }, running };
}

/** Whether a process is there, and has not ended: one that has may wait for its parent to hear of it. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** What each kind of turn takes of PostgreSQL, asked one after another of one process. */
async function count(mock: number, postgres: PostgresServer): Promise<Counted[]> {
  const counter: Counter = await startCounter(postgres.port);
  const url = (await postgres.newDatabase()).replace(`:${postgres.port}/`, `:${counter.port}/`);
  const product = await start(mock, 1, url);
  const connection = await Connection.open(product.http);
  const turns = async (language: Language, goesOn: boolean, more: object = {}) => {
    let previous: string | undefined;
    for (let n = 0; n < COUNTED; n++) {
      const ask = asker(language, SHAPES.turn, 100, { ...more, ...(previous && { previous_response_id: previous }) })();
      const answer = await connection.send(ask.request);
      ask.check(answer);
      if (goesOn) previous = /"id":"(resp_\w+)"/.exec(answer.body)?.[1];
    }
  };
  const found: Counted[] = [];
  for (const [turn, language, goesOn, more] of [
    ['JSON', 'responses', false, {}],
    ['JSON that goes on from the one before', 'responses', true, {}],
    ['streamed', 'responses stream', false, {}],
    ['store: false', 'responses', false, { store: false }],
  ] as const) {
    await turns(language, goesOn, more); // until the statements have names and the pool its connections
    const before = counter.read();
    await turns(language, goesOn, more);
    const after = counter.read();
    const per = (name: keyof typeof after) => (after[name] - before[name]) / COUNTED;
    found.push({ turn, roundTrips: per('roundTrips'), to: per('to'), from: per('from') });
  }
  connection.close();
  await product.stop();
  await counter.stop();
  return found;
}

function tableOf(rows: readonly Row[], killed: readonly Killed[], counted: readonly Counted[]): string {
  const whole = (value: number) => Math.round(value).toLocaleString('en');
  const ms = (value: number) => value.toFixed(0);
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`;
  const head = (cells: readonly string[]) => line(cells) + line(cells.map(() => '---'));
  const us = ({ ours, supervisor, envoy, database }: Row['cpu']) => [ours, supervisor, envoy, database].map(whole);
  const rate = ({ kind, door, perSecond }: Row) => {
    const one = rows.find((row) => row.kind === kind && row.door === door && row.processes === 1);
    return (perSecond / (one?.perSecond ?? Number.NaN)).toFixed(2);
  };
  return [
    `Node ${process.versions.node}, ${availableParallelism()} cores, which the load, the model, Envoy and PostgreSQL (fsync off) share. Load of the machine before: ${busyBefore.toFixed(1)}.\n\n`,
    head([
      'database',
      'processes',
      'door',
      'JSON turns/s',
      'to one process',
      'p99 ms',
      'us CPU a turn: ours',
      'of it the supervisor',
      'Envoy',
      'PostgreSQL',
    ]),
    ...rows.map((row) =>
      line([row.kind, row.processes, row.door, whole(row.perSecond), rate(row), ms(row.p99), ...us(row.cpu)]),
    ),
    `\nOne killed with -9 under ${CLIENTS} clients, JSON and streams, through Envoy, and started again by its supervisor; one alone by us, with its Envoy:\n\n`,
    head(['database', 'processes', 'requests', 'failed', 'of them sent after it was gone', 'p99 ms afterwards']),
    ...killed.map((row) => line([row.kind, row.processes, row.requests, row.failed, row.late, ms(row.p99)])),
    '\nWhat a turn takes of PostgreSQL:\n\n',
    head(['turn', 'round trips', 'bytes to it', 'bytes from it']),
    ...counted.map(({ turn, roundTrips, to, from }) => line([turn, roundTrips.toFixed(2), whole(to), whole(from)])),
  ].join('');
}

const generator = await startGenerator();
const mockPort = await freePort();
const mock = await startScript('mock.ts', mockPort);
const postgres = await startPostgres(['max_connections=200']);
const rows: Row[] = [];
const killed: Killed[] = [];
for (const kind of KINDS) {
  for (const processes of COUNTS) {
    const product = await start(mockPort, processes, kind === 'PostgreSQL' ? await postgres.newDatabase() : '');
    const pid = kind === 'PostgreSQL' ? postgres.pid : undefined;
    for (const door of ['envoy', 'http'] as const) {
      say(`${kind}, ${processes} processes, ${door}`);
      rows.push(await measure(generator, product, pid, { kind, processes, door }));
    }
    const { row, running } = await kill(product, kind, processes);
    killed.push(row);
    await running.stop();
  }
}
say('what a turn takes of PostgreSQL');
const counted = await count(mockPort, postgres);
process.stdout.write(tableOf(rows, killed, counted));
await Promise.all([generator.stop(), mock.stop()]); // PostgreSQL ends with us
