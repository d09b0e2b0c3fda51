import type { FirstEvent } from './first-event.ts';
import type { Generator } from './generator.ts';
import { type Plan, SHAPES } from './plan.ts';
import type { AddedFirst } from './results.ts';
import { LABELS, type Servers } from './servers.ts';
import { spread } from './statistics.ts';

// The comparisons before have warmed all of them.
const DOORS = ['http', 'routed', 'streamed', 'processor'] as const;

/** What the doors that stream add to the model's own first chunk, for a model that thinks and one that does not. */
export async function measureFirstEvents(
  { mock, subjects }: Servers,
  { firstEvents: { rounds, times } }: Plan,
  generator: Generator,
): Promise<AddedFirst[]> {
  const doors = Object.fromEntries(DOORS.map((name) => [name, subjects[name].port]));
  const found: AddedFirst[] = [];
  for (const thinking of [true, false]) {
    const shape = thinking ? SHAPES.thinking : SHAPES.atOnce;
    const all: Record<string, FirstEvent>[] = [];
    for (let round = 0; round < rounds; round++) all.push(await generator.firstEvents({ mock, doors, shape, times }));
    for (const door of DOORS) {
      const added = (what: keyof FirstEvent) =>
        spread(all.map((one) => (one[door]?.[what] ?? Number.NaN) - (one.mock?.[what] ?? Number.NaN)));
      const own = spread(all.map((one) => one.mock?.created ?? Number.NaN));
      found.push({ door, label: LABELS[door], thinking, own, created: added('created'), delta: added('delta') });
    }
  }
  return found;
}
