import { mkdirSync } from 'node:fs';
import { type FileHandle, open, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { AuditEvent } from '../../handler/index.ts';
import { FileLock } from './file-lock.ts';
import { FIRST, hashOf, lineOf } from './line.ts';

/** File mode: only the owner may read and write. */
const OWNER_ONLY = 0o600;

/** Bytes of the end of a file that are read first to find its last line. */
const TAIL_BYTES = 16 * 1024;

const LINE_FEED = 10;

/**
 * A file that only grows, of lines each of which has the hash of the one before. Several processes may append to it: the chain is one.
 * Beside it are FILE.lock and FILE.head, the hash of its last line, by which the chain goes on in a new file after a rotation.
 */
export class AuditFile {
  readonly #path: string;
  readonly #lock: FileLock;
  /** The state of the file after the last batch of this process: nothing is read while it is as it was. */
  #last: { inode: number; size: number; hash: string } | undefined;

  /** Makes its folder; throws where that is impossible. */
  constructor(path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#path = path;
    this.#lock = new FileLock(`${path}.lock`);
  }

  /**
   * Appends a line for each event, in one piece, and waits until the disk has them. Rejects when that fails, and leaves the file as it
   * was.
   */
  async append(events: readonly AuditEvent[]): Promise<void> {
    await this.#lock.acquire();
    try {
      const file = await open(this.#path, 'a+', OWNER_ONLY);
      try {
        await this.#write(file, events);
      } finally {
        await file.close();
      }
    } finally {
      this.#lock.release();
    }
  }

  async #write(file: FileHandle, events: readonly AuditEvent[]): Promise<void> {
    const { ino: inode, size } = await file.stat();
    const isAsItWas = this.#last?.inode === inode && this.#last.size === size && size > 0;
    const end = isAsItWas && this.#last ? { hash: this.#last.hash, isTorn: false } : await this.#endOf(file, size);
    let { hash } = end;
    let text = end.isTorn ? '\n' : '';
    for (const event of events) {
      const line = lineOf(event, hash);
      hash = hashOf(line);
      text += `${line}\n`;
    }
    const bytes = Buffer.from(text);
    try {
      for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten;
      await file.datasync();
    } catch (error) {
      this.#last = undefined;
      await file.truncate(size).catch(() => {}); // what is left of a line is told apart later
      throw error;
    }
    this.#last = { inode, size: size + bytes.length, hash };
    await writeFile(`${this.#path}.head`, `${hash}\n`, { mode: OWNER_ONLY }).catch(() => {}); // the file has it
  }

  /** The hash of what a file ends with, and whether that lacks its line break: a process or the machine died while it was written. */
  async #endOf(file: FileHandle, size: number): Promise<{ hash: string; isTorn: boolean }> {
    if (size === 0) return { hash: await this.#headBefore(), isTorn: false };
    for (let length = TAIL_BYTES; ; length *= 2) {
      const start = Math.max(0, size - length);
      const tail = Buffer.alloc(size - start);
      const { bytesRead } = await file.read(tail, 0, tail.length, start);
      if (bytesRead < tail.length) throw new Error('the file was cut while it was read');
      const isTorn = tail.at(-1) !== LINE_FEED;
      const line = isTorn ? tail : tail.subarray(0, -1);
      const before = line.lastIndexOf(LINE_FEED);
      if (before >= 0 || start === 0) return { hash: hashOf(line.subarray(before + 1)), isTorn };
    }
  }

  /** The hash of the last line of the file that was here before. */
  async #headBefore(): Promise<string> {
    const head = await readFile(`${this.#path}.head`, 'utf8').catch(() => '');
    return /^[\da-f]{64}\n$/.test(head) ? head.trim() : FIRST;
  }

  close(): void {
    this.#lock.close();
  }
}
