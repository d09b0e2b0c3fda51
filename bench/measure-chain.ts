import type { ChainTimes } from './chain.ts';
import type { Generator } from './generator.ts';
import { CHAIN, type Plan, SHAPES } from './plan.ts';
import { startProduct } from './product.ts';
import type { AddedByChain, AddedTurn, Point } from './results.ts';
import { LABELS, type Servers } from './servers.ts';
import { median } from './statistics.ts';

const DOORS = ['http', 'streamed'] as const;

/** Every so many turns there is a point, the median of the turns around it in all chains. */
const STEP = 10;
const AROUND = 5;

/** What the doors add to each turn of a chain, and how large the database is after one chain. */
export async function measureChain(
  { mock, subjects }: Servers,
  plan: Plan,
  generator: Generator,
): Promise<AddedByChain> {
  const { turns, characters } = CHAIN;
  const chain = { mock, turns, shape: SHAPES.chain, promptLength: characters };

  const fresh = await startProduct(mock);
  await generator.chains({ ...chain, doors: { fresh: fresh.http } });
  await fresh.stop();
  const databaseBytes = await fresh.databaseSize();

  const doors = Object.fromEntries(DOORS.map((name) => [name, subjects[name].port]));
  const all: ChainTimes[] = [];
  for (let n = 0; n < plan.chains; n++) all.push(await generator.chains({ ...chain, doors }));
  // The first chain was for warming up, if there was time for more.
  if (all.length > 1) all.shift();
  const added = (door: (typeof DOORS)[number]): AddedTurn => {
    const values = all.map((times) => times[door]?.map((ms, turn) => ms - (times.mock?.[turn] ?? Number.NaN)) ?? []);
    return { door, label: LABELS[door], points: pointsOf(values, turns) };
  };
  const own = pointsOf(
    all.map((times) => times.mock ?? []),
    turns,
  );
  return { turns, characters, databaseBytes, own, doors: DOORS.map(added) };
}

function pointsOf(chains: readonly number[][], turns: number): Point[] {
  const points: Point[] = [];
  for (let turn = 1; turn <= turns; turn = turn === 1 ? STEP : turn + STEP) {
    const near = chains.flatMap((values) => values.slice(Math.max(0, turn - 1 - AROUND), turn + AROUND));
    points.push({ turn, ms: median(near) });
  }
  return points;
}
