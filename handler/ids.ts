/** Random bytes drawn at once, since each draw costs about a microsecond whatever its size. */
const POOL = 4_096;
const BYTES = 18;

/** Hexadecimal digits of the time. */
const TIME_DIGITS = 12;

let pool = new Uint8Array(0);
let used = 0;

/**
 * A new id such as `resp_` and 48 hexadecimal digits: the time in milliseconds, so that rows made together are stored
 * together, then 144 random bits, so that it cannot be guessed. Prefixes of items are in their kinds.
 */
export function newId(prefix: string): string {
  if (used + BYTES > pool.length) {
    pool = crypto.getRandomValues(new Uint8Array(POOL));
    used = 0;
  }
  let id = `${prefix}_${digitsOf(Date.now())}`;
  for (const end = used + BYTES; used < end; used++) id += hex[pool[used] ?? 0];
  return id;
}

/** The time at which an id of `newId` was made, in milliseconds since 1970. */
export function timeOf(id: string): number {
  const from = id.indexOf('_') + 1;
  return Number.parseInt(id.slice(from, from + TIME_DIGITS), 16);
}

/** The text before all ids made at a time or later, and behind all made before it; in milliseconds since 1970, up to 2^48. */
export function beforeIdsOf(prefix: string, time: number): string {
  return `${prefix}_${digitsOf(Math.min(time, 16 ** TIME_DIGITS - 1))}`;
}

function digitsOf(time: number): string {
  return time.toString(16).padStart(TIME_DIGITS, '0');
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
