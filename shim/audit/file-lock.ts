import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';

/** Time between two attempts at a lock that another process holds. */
const POLL_MS = 5;

/** How long it is tried: a batch takes some milliseconds, so whoever holds it for longer is stuck. */
const MAX_WAIT_MS = 5_000;

/** SQLite's code for a lock that somebody else holds. */
const BUSY = 5;

/**
 * A lock between processes on one machine, by a file that stays empty. Node has no locks of its own; SQLite's are the operating system's, which
 * ends them with their process, however that dies.
 */
export class FileLock {
  readonly #path: string;
  #connection: DatabaseSync | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes the lock; rejects where that is impossible, or somebody holds it for five seconds. */
  async acquire(): Promise<void> {
    for (let waited = 0; ; waited += POLL_MS) {
      try {
        this.#connection ??= new DatabaseSync(this.#path, { timeout: 0 });
        this.#connection.exec('BEGIN IMMEDIATE');
        return;
      } catch (error) {
        const isHeld = error instanceof Error && 'errcode' in error && error.errcode === BUSY;
        if (!isHeld || waited >= MAX_WAIT_MS) {
          this.close();
          throw error;
        }
        await setTimeout(POLL_MS);
      }
    }
  }

  /** Gives it back. */
  release(): void {
    this.#connection?.exec('ROLLBACK');
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}
