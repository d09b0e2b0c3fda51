import { crc32 } from 'node:zlib';

/** What the mock model tells of a call at `/seen/NONCE`; times in ns of the clock that a machine's processes share. */
export interface Seen {
  /** When the request was there. */
  received: number;
  /** When the first delta was written. */
  wrote: number;
  messages: number;
  /** Of all messages in order, as `addMessage` makes it. */
  digest: number;
}

/** The digest of a list of messages after one more; an empty list's is 0. */
export function addMessage(digest: number, role: string, content: string): number {
  return crc32(`${role}\n${content}\n`, digest);
}

/** The time now on the clock of a Seen. */
export function now(): number {
  return Number(process.hrtime.bigint());
}
