/** Random bytes drawn at once, since each draw costs about a microsecond whatever its size. */
const POOL = 4_096;
const BYTES = 18;

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
  let id = `${prefix}_${Date.now().toString(16).padStart(12, '0')}`;
  for (const end = used + BYTES; used < end; used++) id += hex[pool[used] ?? 0];
  return id;
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
