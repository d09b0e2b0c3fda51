import { type Aim, findResult, type Results, ratioOf, resultOf } from './results.ts';

/** What the product is held to, and what this run says of it. */
export function aimsOf(results: Omit<Results, 'aims'>): Aim[] {
  return [
    ...turnAims(results),
    ...firstEventAims(results),
    ...chainAims(results),
    ...memoryAims(results),
    below('seconds from the start of the built package to its first answer', results.start.median, 0.5),
    below(`ms that a sweep of ${results.swept.responses} responses holds other work up`, results.swept.longest, 50),
  ];
}

type Part<Name extends keyof Results> = Pick<Results, Name>;

function turnAims({ comparisons: { turn, bursts } }: Part<'comparisons'>): Aim[] {
  const [http, streamed, bare] = [resultOf(turn, 'http'), resultOf(turn, 'streamed'), resultOf(turn, 'bare')];
  const [smg, agentic] = [findResult(turn, 'smg'), findResult(turn, 'agentic-api')];
  const cpu = (http.cpu.server ?? Number.NaN) / (bare.cpu.server ?? Number.NaN);
  return [
    atMost('CPU of a JSON turn over HTTP, as a multiple of a bare server’s', cpu, 1.4),
    ...(smg ? [atLeast('JSON turns over HTTP, as a part of smg’s rate', ratioOf(http, smg), 0.75)] : []),
    ...(agentic ? [atLeast('the same, as a multiple of agentic-api’s rate', ratioOf(http, agentic), 3)] : []),
    atLeast('JSON turns through Envoy, as a part of those over HTTP', ratioOf(streamed, http), 0.75),
    atLeast('text deltas a second through Envoy', resultOf(bursts, 'streamed').perSecond.median, 100_000),
  ];
}

function firstEventAims({ firstEvents }: Part<'firstEvents'>): Aim[] {
  const added = (name: string) =>
    firstEvents.find(({ door, thinking }) => door === name && thinking)?.created.median ?? Number.NaN;
  const what = 'ms added to response.created through Envoy, as a multiple of what a bare processor adds';
  return [atMost(what, added('streamed') / added('processor'), 1.5)];
}

function chainAims({ chain }: Part<'chain'>): Aim[] {
  const last = chain.doors.find(({ door }) => door === 'http')?.points.at(-1)?.ms ?? Number.NaN;
  return [
    atMost(`ms added to turn ${chain.turns} of a chain over HTTP`, last, 1.5),
    below('MB of the database after the chain', chain.databaseBytes / 1_000_000, 1),
  ];
}

function memoryAims({ memory }: Part<'memory'>): Aim[] {
  const [turns, , held] = memory;
  const added = (load: typeof turns) => (load ? load.peak - load.idle : Number.NaN);
  const { connections = Number.NaN } = held ?? {};
  return [
    atMost('MB above idle under JSON turns', added(turns) / 1e6, 90),
    atMost('KiB of memory for each held stream', added(held) / 1024 / connections, 60),
  ];
}

function atLeast(what: string, value: number, aim: number): Aim {
  return { what, value, aim: `at least ${aim}`, met: value >= aim };
}

function atMost(what: string, value: number, aim: number): Aim {
  return { what, value, aim: `at most ${aim}`, met: value <= aim };
}

function below(what: string, value: number, aim: number): Aim {
  return { what, value, aim: `below ${aim}`, met: value < aim };
}
