/** Why a process should get no new requests: it is stopping, or something that it needs does not work. */
export type UnreadyReason = 'draining' | 'database' | 'envoy' | 'storage';

/** What an operator should know of a process that may get requests all the same: its newest configuration could not be taken, its audit log not be written. */
export type ReadinessNote = 'reload' | 'audit';

/** Whether a process should get new requests: it is ready while no part of it holds a reason against. */
export class Readiness {
  readonly #reasons = new Set<UnreadyReason>();
  readonly #notes = new Set<ReadinessNote>();

  /** The reasons that hold, in the order in which they came up. */
  get reasons(): readonly UnreadyReason[] {
    return [...this.#reasons];
  }

  /** The notes that hold. */
  get notes(): readonly ReadinessNote[] {
    return [...this.#notes];
  }

  /** Sets or clears a note. */
  note(note: ReadinessNote, holds: boolean): void {
    if (holds) this.#notes.add(note);
    else this.#notes.delete(note);
  }

  /** Sets or clears a reason, and says whether that changed anything. */
  set(reason: UnreadyReason, holds: boolean): boolean {
    if (this.#reasons.has(reason) === holds) return false;
    if (holds) this.#reasons.add(reason);
    else this.#reasons.delete(reason);
    return true;
  }
}
