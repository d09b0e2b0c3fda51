import * as v from 'valibot';

/** Checks that no two entries of a list have the same key. */
export function unique<T>(keyOf: (entry: T) => string, key: string) {
  // Index once per list: comparing all pairs would be quadratic.
  const firsts = new WeakMap<readonly T[], ReadonlyMap<string, number>>();
  const isFirst = (entry: T, index: number, all: readonly T[]) => {
    const first = firsts.get(all) ?? new Map(all.map((other, at) => [keyOf(other), at] as const).reverse());
    firsts.set(all, first);
    return first.get(keyOf(entry)) === index;
  };
  return v.checkItems<T[], string>(isFirst, `has the ${key} of another`);
}
