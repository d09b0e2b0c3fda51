import { randomFillSync } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { open, rename, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fixedLimits } from '../handler/index.ts';

const RESERVE_BYTES = fixedLimits.reserve;

/** What it takes to open a database, in bytes. */
const MIN_FREE_BYTES = 1024 * 1024;

/**
 * A file beside a database, of no use but that it can be given up when the disk is full: then there is room to delete things.
 * From then on the disk counts as full, until the reserve could be made again.
 */
export class Reserve {
  readonly #file: string;
  #full = false;
  /** Whether it was there when it was last looked for. */
  #wasThere = false;
  /** Called when the disk is found full, and when it is so no more. */
  onChange = (_full: boolean) => {};

  constructor(database: string) {
    this.#file = `${database}-reserve`;
  }

  /** Whether the disk was found full, and has not been found otherwise since. */
  get isFull(): boolean {
    return this.#full;
  }

  /** Gives the reserve up, since the disk is full, and says whether there was one. */
  giveUp(): boolean {
    const wasThere = this.#isThere();
    rmSync(this.#file, { force: true });
    this.#set(true);
    return wasThere;
  }

  /** Gives the reserve up where there is so little room that a database could not even be opened. */
  async makeRoom(): Promise<void> {
    const { bavail, bsize } = await statfs(dirname(this.#file));
    if (bavail * bsize < MIN_FREE_BYTES) this.giveUp();
  }

  /**
   * Makes the reserve, unless it is there, where the disk has room for it and as much again. `free` are the bytes inside the
   * database that are free, which count as well, if there are far more of them. Without room the disk counts as full where there
   * was one: another process on the database has given it up. Rejects when the disk cannot be written to.
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

  /** Bytes that no file system can leave out; the file has its name once it is whole. */
  async #write(): Promise<void> {
    const part = `${this.#file}.part`;
    const file = await open(part, 'w', 0o600);
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
      if (!this.#isThere()) throw error; // else another process has made the same one meanwhile
    });
  }

  #set(full: boolean): void {
    if (this.#full === full) return;
    this.#full = full;
    this.onChange(full);
  }
}
