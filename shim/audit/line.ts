import { createHash } from 'node:crypto';

/** What the first line that ever was has for a line before it. */
export const FIRST = '0'.repeat(64);

/** SHA-256 of a line without its line break, as hexadecimal digits. */
export function hashOf(line: Uint8Array | string): string {
  return createHash('sha256').update(line).digest('hex');
}

/** The line of an event: one JSON object, whose last member is the hash of the line before. */
export function lineOf(event: object, previous: string): string {
  return JSON.stringify({ ...event, previous });
}

/** The hash that a line has of the one before; undefined for what is no line of an audit log. */
export function previousIn(line: string): string | undefined {
  try {
    const { previous } = JSON.parse(line);
    return typeof previous === 'string' && /^[\da-f]{64}$/.test(previous) ? previous : undefined;
  } catch {
    return undefined;
  }
}
