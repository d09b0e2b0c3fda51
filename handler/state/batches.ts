/** Entries of one statement: D1 takes at most 100 values, and each entry has two. */
const SIZE = 45;

/** The same entries in as many lists as a statement each takes. */
export function batchesOf<T>(entries: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(entries.length / SIZE) }, (_, n) => entries.slice(n * SIZE, (n + 1) * SIZE));
}
