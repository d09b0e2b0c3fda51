import type { Cpu } from './cpu.ts';
import type { SubjectName } from './servers.ts';
import { median, type Spread } from './statistics.ts';

/** What one subject did in a comparison, over all rounds. */
export interface SubjectResult {
  name: string;
  label: string;
  /** Of its rate to the model's own in the same round. */
  ratio: Spread;
  /** Requests a second, or text deltas a second. */
  perSecond: Spread;
  /** The same round by round. */
  rates: number[];
  p50: number;
  p99: number;
  /** Microseconds of each process for each request of all rounds, with all of its threads. */
  cpu: Cpu;
  /** Microseconds of its main thread. */
  main: Cpu;
  /** The part of a core that each process had, median of the rounds. */
  busy: Cpu;
  /** Bytes of the server in memory after the last round, where one is measured. */
  resident?: number;
}

/** Subjects side by side. */
export interface Comparison {
  title: string;
  unit: 'requests' | 'text deltas';
  connections: number;
  /** The part of the machine's time that went to other programs, median of all measurements: their disturbance. */
  others: number;
  subjects: SubjectResult[];
}

/** Milliseconds that a door adds to the first events of a stream. */
export interface AddedFirst {
  door: string;
  label: string;
  thinking: boolean;
  /** What the model itself takes to its first chunk. */
  own: Spread;
  created: Spread;
  delta: Spread;
}

/** Milliseconds that a door adds to a turn of a chain. */
export interface AddedTurn {
  door: string;
  label: string;
  points: Point[];
}

/** The median around a turn. */
export interface Point {
  turn: number;
  ms: number;
}

/** What doors add to each turn of a chain, and what one chain leaves behind. */
export interface AddedByChain {
  turns: number;
  characters: number;
  databaseBytes: number;
  /** What the model itself takes, sent all messages by the client. */
  own: Point[];
  doors: AddedTurn[];
}

/** Resident memory of the product before, under (at its greatest) and after a load, in bytes. */
export interface Resident {
  label: string;
  connections: number;
  idle: number;
  peak: number;
  after: number;
}

/** What the removal of expired responses from a large database takes, and the longest that it holds other work up. */
export interface Swept {
  responses: number;
  expired: number;
  seconds: number;
  /** Sweeps, each of which has a bound on its time. */
  runs: number;
  /** Milliseconds. */
  longest: number;
}

/** A number that the product is held to. */
export interface Aim {
  what: string;
  value: number;
  aim: string;
  met: boolean;
}

/** All that a run found. */
export interface Results {
  date: string;
  node: string;
  envoy: string;
  cpus: number;
  quick: boolean;
  seconds: number;
  aims: Aim[];
  comparisons: { turn: Comparison; bursts: Comparison; tokens: Comparison };
  firstEvents: AddedFirst[];
  chain: AddedByChain;
  memory: Resident[];
  /** Seconds from the start of the built package to its first answer. */
  start: Spread;
  swept: Swept;
}

/** A subject's result in a comparison. */
export function resultOf(comparison: Comparison, name: SubjectName | 'json'): SubjectResult {
  const found = findResult(comparison, name);
  if (!found) throw new Error(`no subject ${name}`);
  return found;
}

/** The same; undefined for one that has not taken part. */
export function findResult({ subjects }: Comparison, name: SubjectName | 'json'): SubjectResult | undefined {
  return subjects.find((subject) => subject.name === name);
}

/** The median over the rounds of one subject's rate divided by the other's. */
export function ratioOf({ rates }: SubjectResult, other: SubjectResult): number {
  return median(rates.map((rate, round) => rate / (other.rates[round] ?? Number.NaN)));
}
