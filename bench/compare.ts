import type { Language } from './ask.ts';
import { type Cpu, mapRoles } from './cpu.ts';
import type { Generator } from './generator.ts';
import type { Bout } from './hammer.ts';
import type { Comparison, SubjectResult } from './results.ts';
import type { Subject } from './servers.ts';
import { median, spread } from './statistics.ts';
import type { Shape } from './text.ts';

/** A subject as it takes part in a comparison: what it is called there, and what it is spoken to in. */
export interface Entrant {
  name: string;
  label: string;
  subject: Subject;
  language: Language;
}

/** What a comparison is to find out; the first entrant is the measure of the others. */
export interface Question {
  title: string;
  unit: Comparison['unit'];
  entrants: readonly Entrant[];
  shape: Shape;
  connections: number;
  rounds: number;
  /** How many disturbed measurements may be made again. */
  repeats: number;
  seconds: { warm: number; measure: number };
}

/** The part of the machine's time that other programs may have had in a measurement that counts, if it can be repeated. */
const DISTURBED = 0.1;

/** Measures the entrants in turn, round after round, so that what disturbs the machine disturbs them all. */
export async function compare(
  question: Question,
  generator: Generator,
  say: (line: string) => void,
): Promise<Comparison> {
  const { title, unit, entrants, shape, connections, rounds, seconds } = question;
  let { repeats } = question;
  const load = ({ subject, language }: Entrant, seconds: number) =>
    generator.hammer({ port: subject.port, language, shape, connections, seconds, processes: subject.processes });
  for (const entrant of entrants) await load(entrant, seconds.warm);
  const bouts = new Map<Entrant, Bout[]>(entrants.map((entrant) => [entrant, []]));
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another one: none is always the one after the same other.
    for (let n = 0; n < entrants.length; n++) {
      const entrant = entrants[(round + n) % entrants.length];
      if (!entrant) continue;
      let bout = await load(entrant, seconds.measure);
      for (; bout.others > DISTURBED && repeats > 0; repeats--) {
        say(`other programs used ${Math.round(100 * bout.others)} % of the machine: once more`);
        bout = await load(entrant, seconds.measure);
      }
      bouts.get(entrant)?.push(bout);
      const rate = `${Math.round(rateOf(bout, unit))} ${unit}/s`;
      say(`${title}, round ${round + 1}: ${entrant.label} ${rate}, others used ${Math.round(100 * bout.others)} %`);
    }
  }
  const all = [...bouts];
  const others = median(all.flatMap(([, own]) => own.map((bout) => bout.others)));
  const base = all[0]?.[1] ?? [];
  return {
    title,
    unit,
    connections,
    others,
    subjects: all.map(([entrant, own]) => summarise(entrant, own, base, unit)),
  };
}

function summarise({ name, label }: Entrant, bouts: Bout[], base: Bout[], unit: Comparison['unit']): SubjectResult {
  const rates = bouts.map((bout) => rateOf(bout, unit));
  const ratios = rates.map((rate, round) => rate / rateOf(base[round], unit));
  const resident = bouts.at(-1)?.resident;
  return {
    name,
    label,
    ratio: spread(ratios),
    perSecond: spread(rates),
    rates,
    p50: median(bouts.map(({ p50 }) => p50)),
    p99: median(bouts.map(({ p99 }) => p99)),
    cpu: meanCpu(bouts, ({ cpu }) => cpu),
    main: meanCpu(bouts, ({ main }) => main),
    busy: medianCpu(bouts.map(busyOf)),
    ...(resident !== undefined && { resident }),
  };
}

function rateOf(bout: Bout | undefined, unit: Comparison['unit']): number {
  return (unit === 'requests' ? bout?.requestsPerSecond : bout?.deltasPerSecond) ?? Number.NaN;
}

/** Microseconds of a request, at so many a second, as the part of a core. */
function busyOf({ cpu, requestsPerSecond }: Bout): Cpu {
  return mapRoles(cpu, (spent) => (spent * requestsPerSecond) / 1e6);
}

/** Of all requests: the ticks in which time is counted are too long for one round. */
function meanCpu(bouts: readonly Bout[], of: (bout: Bout) => Cpu): Cpu {
  const [first] = bouts;
  if (!first) return {};
  const total = bouts.reduce((sum, { requests }) => sum + requests, 0);
  return mapRoles(of(first), (_, role) =>
    bouts.reduce((sum, bout) => sum + ((of(bout)[role] ?? 0) * bout.requests) / total, 0),
  );
}

function medianCpu(all: readonly Cpu[]): Cpu {
  return mapRoles(all[0] ?? {}, (_, role) => median(all.map((cpu) => cpu[role] ?? 0)));
}
