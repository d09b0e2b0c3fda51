import { randomFillSync } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { open, rename, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fixedLimits } from '../handler/index.ts';

const RESERVE_BYTES = fixedLimits.reserve;

/** Free bytes needed to open a database. */
const MIN_FREE_BYTES = 1024 * 1024;

/** A process that has written nothing of it for so long is dead, in milliseconds. */
const DEAD_MS = 60_000;

/**
 * A reserve file beside a database, which is deleted when the disk is full, so that there is room for deleting rows. From
 * then on the disk counts as full, until the reserve could be made again.
 */
export class Reserve {
  readonly #file: string;
  #full = false;
  /** Whether it was there at the last check. */
  #wasThere = false;
  /** Called when the disk becomes full, and when it is no longer. */
  onChange = (_full: boolean) => {};

  constructor(database: string) {
    this.#file = `${database}-reserve`;
  }

  /** Whether the disk was full at the last check. */
  get isFull(): boolean {
    return this.#full;
  }

  /** Deletes the reserve, since the disk is full, and returns whether there was one. */
  giveUp(): boolean {
    const wasThere = this.#isThere();
    rmSync(this.#file, { force: true });
    this.#set(true);
    return wasThere;
  }

  /** Deletes the reserve when there is too little room to open a database. */
  async makeRoom(): Promise<void> {
    const { bavail, bsize } = await statfs(dirname(this.#file));
    if (bavail * bsize < MIN_FREE_BYTES) this.giveUp();
  }

  /**
   * Makes the reserve, unless it is there, if the disk has twice its size free. `free` bytes inside the database count as
   * well, if there are many more. Without room, the disk counts as full if there was a reserve before: another process on the
   * database deleted it. Rejects when the disk cannot be written to.
   */
  async make(free = 0): Promise<void> {
    if (!this.#isThere()) {
      const { bavail, bsize } = await statfs(dirname(this.#file));
      if (bavail * bsize >= 2 * RESERVE_BYTES) await this.#write();
      else if (free < 4 * RESERVE_BYTES) {
        if (this.#wasThere) this.#set(true);
        return;
      }
    }
    this.#wasThere = this.#isThere();
    this.#set(false);
  }

  #isThere(): boolean {
    return (statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0) >= RESERVE_BYTES;
  }

  /**
   * Writes random bytes, which no file system compresses; the file gets its name once it is complete. One process writes at a time; what one
   * that died has left is removed.
   */
  async #write(): Promise<void> {
    const part = `${this.#file}.part`;
    const file = await open(part, 'wx', 0o600).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
      const { mtimeMs = Date.now() } = statSync(part, { throwIfNoEntry: false }) ?? {};
      if (Date.now() - mtimeMs > DEAD_MS) rmSync(part, { force: true });
    });
    if (!file) return;
    try {
      const bytes = randomFillSync(new Uint8Array(1024 * 1024));
      for (let written = 0; written < RESERVE_BYTES; written += bytes.length) await file.write(bytes);
      await file.sync();
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    await rename(part, this.#file).catch((error) => {
      if (!this.#isThere()) throw error; // otherwise another process has made it meanwhile
    });
  }

  #set(full: boolean): void {
    if (this.#full === full) return;
    this.#full = full;
    this.onChange(full);
  }
}
