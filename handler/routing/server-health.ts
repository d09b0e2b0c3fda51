import { describe, log } from '../log.ts';

/** When a server is left alone: after so many failures in a row, for so many milliseconds. */
export interface BreakerSettings {
  failures: number;
  open: number;
}

/** What one may wait for: that a server is `well` again, or may be tried; that a call has ended (`freed`), for one of those who wait alone (`room`). */
export type ServerNews = 'well' | 'freed' | 'room';

/** Milliseconds from one trial of a server that is left alone to the next, by chance half of it more or less. */
const TRIAL_MS = { open: 250, paused: 500 };

/** What a process knows of how a model server does. One object for as long as the server is configured. */
export class ServerHealth {
  #load = 0;
  /** Failures in a row. */
  #failures = 0;
  /** Until when it is left alone, by `performance.now()`; 0 while it is well. */
  #openUntil = 0;
  /** Until when it has asked to be left alone, as it refused a call; and when it asked so. */
  #pausedUntil = 0;
  #pausedAt = 0;
  /** Until when nothing is left of its limits, as it told with an answer. */
  #spentUntil = 0;
  #triedUntil = 0;
  #isWell = true;
  #isBusy = false;
  #heardAt = Number.NEGATIVE_INFINITY;
  #probedAt = Number.NEGATIVE_INFINITY;
  readonly #listeners = { well: new Set<() => void>(), freed: new Set<() => void>(), room: new Set<() => void>() };

  /** Calls that it is making for this process. */
  get load(): number {
    return this.#load;
  }

  /**
   * Whether it may be called: `open` after too many failures, until one call may try it again; `paused` as long as it has asked for when
   * it refused a call, and `spent` as long as its limits have nothing left, though it has refused nothing yet.
   */
  state(now: number): 'ready' | 'spent' | 'paused' | 'open' {
    if (this.#openUntil > now) return 'open';
    if (this.#pausedUntil > now) return 'paused';
    return this.#spentUntil > now ? 'spent' : 'ready';
  }

  /** Whether one more call may find out how it does: one after the other begins, whether or not those before have ended. */
  mayBeTried(now: number): boolean {
    return this.#triedUntil <= now;
  }

  /** Milliseconds until it may be called, or tried. */
  untilTrial(now: number): number {
    return Math.max(0, Math.min(this.#triedUntil, Math.max(this.#openUntil, this.#pausedUntil)) - now);
  }

  /** Whether the last call that told anything of it did not fail. */
  get isWell(): boolean {
    return this.#isWell;
  }

  /** When the last call got its first word. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Whether it failed last as one does that has too much to do: it refused a call by its limits, or hung. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Calls a function at such news, until the returned one is called; at that of `room` the one that has waited longest. */
  on(what: ServerNews, listener: () => void): () => void {
    this.#listeners[what].add(listener);
    return () => this.#listeners[what].delete(listener);
  }

  /** Milliseconds for which it has asked to be left alone. */
  pauseLeft(now: number): number {
    return Math.max(0, this.#pausedUntil - now, this.#spentUntil - now);
  }

  /**
   * A call begins: whether it alone is to find out if a server that was left alone is well again. Tell how it went by one of those below,
   * and that it is over by `end`.
   */
  begin({ open }: BreakerSettings): boolean {
    this.#load++;
    const now = performance.now();
    const state = this.state(now);
    if (!this.#isWell || state !== 'ready')
      this.#triedUntil = now + TRIAL_MS[state === 'paused' ? state : 'open'] * (0.5 + Math.random());
    if (this.#openUntil === 0 || state === 'open') return false;
    this.#openUntil = now + open;
    return true;
  }

  /** A call is over. */
  end(): void {
    this.#load--;
    this.#tell('freed');
    const [first] = this.#listeners.room;
    first?.();
  }

  /** A call that began then got its first word. */
  succeeded(name: string, begunAt: number): void {
    this.#failures = 0;
    this.#heardAt = performance.now();
    const wasOpen = this.#openUntil > 0;
    const wasPaused = this.#pausedUntil > begunAt;
    const isNews = !this.#isWell || wasOpen || wasPaused;
    if (wasOpen) log.info('a model server answers again', { url_host: name });
    this.#openUntil = 0;
    if (this.#pausedAt <= begunAt) this.#pausedUntil = 0;
    this.#isWell = true;
    this.#isBusy = false;
    if (isNews) this.#tell('well');
  }

  /** A call has failed, or a probe has, in a way that tells of the server. */
  failed(name: string, { failures, open }: BreakerSettings, error: unknown, isBusy = false): void {
    this.#failures++;
    this.#isWell = false;
    this.#isBusy = isBusy;
    const isOpen = this.#openUntil > 0;
    if (!isOpen && this.#failures < failures) return;
    this.#openUntil = performance.now() + open;
    if (isOpen) return;
    log.warn('a model server is left alone after failures in a row', {
      url_host: name,
      failures: this.#failures,
      for_ms: open,
      error: describe(error),
    });
  }

  /** A call makes one doubt whether it does well: it was refused by a rate limit, or waits for long. */
  doubted(): void {
    this.#isWell = false;
    this.#isBusy = true;
  }

  /** The one call that was to find out if it is well again has ended without a word of that: another may. */
  untried(): void {
    if (this.#openUntil === 0) return;
    this.#openUntil = 1;
    this.#tell('well');
  }

  /** It has refused a call, and asked to be left alone for so many milliseconds. */
  pause(ms: number): void {
    const now = performance.now();
    this.#pausedAt = now;
    this.#pausedUntil = Math.max(this.#pausedUntil, now + ms);
    this.#triedUntil = Math.max(this.#triedUntil, now + Math.min(ms, TRIAL_MS.paused * (0.5 + Math.random())));
  }

  /** It has answered, and told that nothing is left of its limits for so many milliseconds. */
  spent(ms: number): void {
    this.#spentUntil = Math.max(this.#spentUntil, performance.now() + ms);
  }

  /** Whether it is time for a probe, the last of which was so many milliseconds ago at least; then this is the last. */
  isDue(every: number): boolean {
    const now = performance.now();
    if (now - this.#probedAt < every) return false;
    this.#probedAt = now;
    return true;
  }

  /** A probe was answered: one that is left alone may be tried by a call at once. That calls succeed it does not say. */
  probed(): void {
    this.untried();
  }

  #tell(what: ServerNews): void {
    const listeners = this.#listeners[what];
    if (listeners.size > 0) for (const listener of [...listeners]) listener();
  }
}
