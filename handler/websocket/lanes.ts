import { fixedLimits } from '../limits.ts';

interface Waiting {
  lane: string;
  size: number;
  work(): Promise<void>;
}

/** The requests of one connection: one after another in each lane, lanes beside each other. */
export class Lanes {
  readonly #room: number;
  readonly #rests: () => void;
  readonly #running = new Map<string, Promise<void>>();
  readonly #waiting: Waiting[] = [];
  #waitingSize = 0;

  /** Requests that wait may have `room` together, in the unit of their sizes; `rests` is called when nothing runs any more. */
  constructor(room: number, rests: () => void) {
    this.#room = room;
    this.#rests = rests;
  }

  /** Whether nothing runs; then nothing waits either. */
  get idle(): boolean {
    return this.#running.size === 0;
  }

  /**
   * Runs work when its lane and one of the connection's places are free; `work` never rejects. False if there is no
   * room to wait: one request of any size may wait alone.
   */
  add(lane: string, size: number, work: () => Promise<void>): boolean {
    const waiting = this.#waiting.length;
    if (waiting >= fixedLimits.socketWaiting || (waiting > 0 && this.#waitingSize + size > this.#room)) return false;
    this.#waiting.push({ lane, size, work });
    this.#waitingSize += size;
    this.#next();
    return true;
  }

  /** Resolves when nothing runs any more. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  #next(): void {
    for (const next of [...this.#waiting]) {
      if (this.#running.size >= fixedLimits.socketTurns) return;
      const { lane, size, work } = next;
      if (this.#running.has(lane)) continue;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#waitingSize -= size;
      const done = work().then(() => {
        this.#running.delete(lane);
        this.#next();
        if (this.#running.size === 0) this.#rests();
      });
      this.#running.set(lane, done);
    }
  }
}
