import { type Cpu, type Role, sumOf } from './cpu.ts';
import type { AddedByChain, Comparison, Point, Resident, Results, SubjectResult, Swept } from './results.ts';
import type { Spread } from './statistics.ts';

/** The results as text: ratios first. */
export function tableOf(results: Results): string {
  const { comparisons, firstEvents, chain, memory, start, swept, aims } = results;
  const { node, envoy, cpus, date, seconds } = results;
  const parts = [
    `Node ${node}, Envoy ${envoy}, ${cpus} CPUs, ${date}, ${Math.round(seconds)} s. Medians of the rounds, (least - greatest); CPU of all.`,
    ...Object.values(comparisons).map(comparisonTable),
    `Added to the first events at 1 connection, ms\n${grid([
      ['', 'model', 'response.created', 'first text delta', 'the model itself takes'],
      ...firstEvents.map(({ label, thinking, own, created, delta }) => [
        label,
        thinking ? 'thinks 10 ms' : 'speaks at once',
        range(created, 2),
        range(delta, 2),
        number(own.median, 2),
      ]),
    ])}`,
    chainTable(chain),
    memoryTable(memory),
    `From the start of the built package to its first answer: ${range(start, 2)} s`,
    sweptLine(swept),
    `Aims\n${grid(aims.map(({ what, value, aim, met }) => [met ? 'met' : 'MISSED', number(value, 2), aim, what]))}`,
  ];
  return `${parts.join('\n\n')}\n`;
}

const TURNS = [1, 50, 100, 200];

function chainTable({ turns, characters, databaseBytes, own, doors }: AddedByChain): string {
  const head = ['', ...TURNS.map((turn) => `turn ${turn}`)];
  const row = (label: string, points: readonly Point[]) => [
    label,
    ...TURNS.map((turn) => number(points.find((point) => point.turn === turn)?.ms, 2)),
  ];
  const rows = [...doors.map(({ label, points }) => row(label, points)), row('(the model itself takes)', own)];
  const title = `Added to a turn of a chain of ${turns}, ${characters} characters each way, ms`;
  return `${title}\n${grid([head, ...rows])}\n  Database after one chain: ${databaseBytes} bytes`;
}

function memoryTable(memory: readonly Resident[]): string {
  const rows = memory.map(({ label, connections, idle, peak, after }) => [
    `${label}, ${connections} connections`,
    ...[idle, peak, after].map((bytes) => number(bytes / 1e6, 0)),
    number((peak - idle) / connections / 1024, 0),
  ]);
  const head = ['', 'idle', 'at most', 'afterwards', 'KiB for each connection'];
  return `Resident memory of a fresh product over plain HTTP, MB\n${grid([head, ...rows])}`;
}

function sweptLine({ responses, expired, seconds, runs, longest }: Swept): string {
  const took = `took ${number(seconds, 1)} s in ${runs} sweeps, and held other work up for ${number(longest, 0)} ms at most`;
  return `Removing ${expired} expired of ${responses} responses ${took}`;
}

const ROLES: readonly Role[] = ['load', 'mock', 'plain', 'server', 'envoy'];

function comparisonTable({ title, unit, connections, others, subjects }: Comparison): string {
  const head = [
    '',
    'ratio',
    `${unit}/s`,
    'p50 ms',
    'p99 ms',
    ...ROLES.map((role) => `${role} us`),
    'main us',
    'all us',
    'MB',
  ];
  const rows = subjects.map(({ label, ratio, perSecond, p50, p99, cpu, main, resident }) => [
    label,
    range(ratio, 3),
    range(perSecond, 0),
    number(p50, 2),
    number(p99, 2),
    ...ROLES.map((role) => (cpu[role] === undefined ? '' : number(cpu[role], 0))),
    number(main.server, 0),
    number(serversOf(cpu), 0),
    number(resident && resident / 1e6, 0),
  ]);
  const about = `us are CPU for each request; other programs took ${number(100 * others, 0)} % of the machine`;
  return `${title}, ${connections} connections; ${about}\n${grid([head, ...rows])}\n${busiestLine(subjects)}`;
}

/** What says whether the bench itself was the limit: a process of one thread has one core. */
function busiestLine(subjects: readonly SubjectResult[]): string {
  // The model itself is asked as fast as both can.
  const measured = subjects.filter(({ cpu }) => cpu.server !== undefined);
  const busiest = (role: Role) => Math.max(...measured.map(({ busy }) => busy[role] ?? 0));
  const [load, mock] = [busiest('load'), busiest('mock')].map((part) => `${number(100 * part, 0)} %`);
  return `  main: the server's main thread; all: all but the load generator, which had at most ${load} of a core, the mock model ${mock}`;
}

function serversOf({ load: _, ...servers }: Cpu): number {
  return sumOf(servers);
}

function range({ median, min, max }: Spread, digits: number): string {
  return `${number(median, digits)} (${number(min, digits)} - ${number(max, digits)})`;
}

function number(value: number | undefined, digits: number): string {
  return value === undefined ? '' : value.toFixed(digits);
}

/** Columns as wide as their widest cell: the first to the left, the others to the right. */
function grid(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map((row) => row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))))
    .map((row) => `  ${row.join('  ')}`.trimEnd())
    .join('\n');
}
