import { type Aim, type Results, resultOf } from './results.ts';

/** What the product is held to, and what this run says of it. */
export function aimsOf({ comparisons, firstEvents, chain, swept }: Omit<Results, 'aims'>): Aim[] {
  const { turn, bursts } = comparisons;
  const aims = [
    atLeast(
      'JSON turns through Envoy, as a part of the model’s own rate',
      resultOf(turn, 'streamed').ratio.median,
      0.2,
    ),
    atLeast('text deltas a second through Envoy', resultOf(bursts, 'streamed').perSecond.median, 100_000),
  ];
  for (const { door, thinking, created, delta } of firstEvents) {
    if (door !== 'streamed' || !thinking) continue;
    aims.push(below('ms that Envoy and the product add to response.created', created.median, 0.5));
    aims.push(below('ms that they add to the first text delta', delta.median, 0.5));
  }
  const last = chain.doors.find(({ door }) => door === 'streamed')?.points.at(-1)?.ms ?? Number.NaN;
  aims.push(below(`ms that they add to turn ${chain.turns} of a chain`, last, 1.5));
  aims.push(below('MB of the database after the chain', chain.databaseBytes / 1_000_000, 1));
  const { responses, longest } = swept;
  aims.push(below(`ms that a sweep of ${responses} responses holds other work up`, longest, 50));
  return aims;
}

function atLeast(what: string, value: number, aim: number): Aim {
  return { what, value, aim: `at least ${aim}`, met: value >= aim };
}

function below(what: string, value: number, aim: number): Aim {
  return { what, value, aim: `below ${aim}`, met: value < aim };
}
