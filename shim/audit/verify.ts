import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { FIRST, hashOf, previousIn } from './line.ts';

/** The most places that are told. */
const MAX_PROBLEMS = 20;

const LINE_FEED = 10;

/** What is said of files that hold an audit log. */
export interface Verdict {
  lines: number;
  /** Places where the chain is broken, as sentences. */
  problems: string[];
  /** What else is to be known, as sentences. */
  notes: string[];
  /** The hash of the last line. */
  head: string;
}

/** Follows the chain through files, the oldest first; rejects for a file that cannot be read. */
export async function verifyAudit(paths: readonly string[]): Promise<Verdict> {
  const verdict: Verdict = { lines: 0, problems: [], notes: [], head: FIRST };
  const { problems, notes } = verdict;
  const last = paths.at(-1) ?? '';
  const noted = (await readFile(`${last}.head`, 'utf8').catch(() => '')).trim();
  let isNotedThere = noted === '';
  /** What stood before is no line: one that was torn, if the next one has its hash. */
  let odd: { place: string; isWhole: boolean } | undefined;
  for (const path of paths) {
    let number = 0;
    for await (const { bytes, isWhole } of linesOf(path)) {
      const place = `${path}:${++number}`;
      const previous = previousIn(bytes.toString('utf8'));
      if (verdict.lines === 0 && previous !== undefined && previous !== FIRST)
        notes.push(`${place}: goes on from a line that is not in these files, of the hash ${previous}`);
      if (verdict.lines > 0 && previous !== undefined && previous !== verdict.head)
        problems.push(`${place}: does not follow from the line before: one was changed, removed or inserted there`);
      else if (odd && previous === undefined) problems.push(`${odd.place}: is no line of an audit log`);
      else if (odd) notes.push(`${odd.place}: is torn, since its process or the machine died; the chain goes on`);
      odd = previous === undefined ? { place, isWhole } : undefined;
      verdict.lines++;
      verdict.head = hashOf(bytes);
      isNotedThere ||= verdict.head === noted;
    }
  }
  if (odd?.isWhole) problems.push(`${odd.place}: is no line of an audit log`);
  else if (odd) notes.push(`${odd.place}: is torn, since its process or the machine died while it was written`);
  if (!isNotedThere) problems.push(`${last}: has no line of the hash in ${last}.head: its end was changed or cut off`);
  const more = problems.splice(MAX_PROBLEMS).length;
  if (more > 0) problems.push(`and ${more} more`);
  return verdict;
}

async function* linesOf(path: string): AsyncGenerator<{ bytes: Buffer; isWhole: boolean }> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path)) {
    let bytes: Buffer = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED)) {
      yield { bytes: bytes.subarray(0, at), isWhole: true };
      bytes = bytes.subarray(at + 1);
    }
    rest = bytes;
  }
  if (rest.length > 0) yield { bytes: rest, isWhole: false };
}
