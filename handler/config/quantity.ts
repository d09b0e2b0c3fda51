import * as v from 'valibot';

const units = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A day in milliseconds. */
export const DAY = units.d;

/** The largest timer of JavaScript; bodies have the same bound. */
const MAX_VALUE = 2 ** 31 - 1;

/** A number with a unit, such as `32MiB` or `600s`, in bytes or milliseconds. */
function quantity(pattern: RegExp, example: string, max = MAX_VALUE, maxInWords = '2 GiB, or 24 days', min = 1) {
  return v.pipe(
    v.string(`must be a text such as ${example}`),
    v.regex(pattern, `must be a number with its unit, such as ${example}`),
    // The pattern admits no other unit.
    v.transform((text) => Number.parseFloat(text) * units[text.replace(/^[\d.]+/, '') as keyof typeof units]),
    v.integer('must come to a whole number'),
    v.minValue(min, 'must be more than nothing'),
    v.maxValue(max, `must be below ${maxInWords}`),
  );
}

const TIME = /^\d+(\.\d+)?(ms|s|m|h)$/;

/** A size of at most 2 GiB, in bytes. */
export const size = v.optional(quantity(/^\d+(\.\d+)?(B|KiB|MiB|GiB)$/, '32MiB'));

/** A size of memory, in bytes. */
export const memory = v.optional(quantity(/^\d+(\.\d+)?(B|KiB|MiB|GiB)$/, '512MiB', 2 ** 50, '1024 TiB'));

/** A time of at most 24 days, in milliseconds. */
export const time = v.optional(quantity(TIME, '600s'));

/** A time of at most 24 days, in milliseconds, or 0. */
export const pause = v.optional(quantity(TIME, '5s', MAX_VALUE, '24 days', 0));

/** An age of at most a hundred years, in milliseconds. */
export const age = quantity(/^\d+(\.\d+)?(ms|s|m|h|d)$/, '30d', 100 * 365 * DAY, 'a hundred years');

/** A whole number from `min` to `max`. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER) {
  return v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );
}

/** A whole number from 1 to `max`. */
export const count = (max: number) => v.optional(integer(1, max));

/** A word that means no bound. */
export function unbounded<T extends string>(word: T) {
  return v.pipe(
    v.literal(word),
    v.transform(() => Number.POSITIVE_INFINITY),
  );
}

/** A size on disk in bytes, or `unlimited`. */
export const storage = v.optional(
  v.union(
    [unbounded('unlimited'), quantity(/^\d+(\.\d+)?(MiB|GiB|TiB)$/, '50GiB', 2 ** 50, '1024 TiB')],
    'must be unlimited, or a size such as 50GiB',
  ),
);
