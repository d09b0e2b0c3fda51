import { describe, log } from '../log.ts';

/** When a server is left alone: after so many failures in a row, for so many milliseconds. */
export interface BreakerSettings {
  failures: number;
  open: number;
}

/** What one may wait for: that something is `told` of whether it may be called, or that a call has ended. */
export type ServerNews = 'told' | 'freed';

/** What a process knows of how a model server does. One object for as long as the server is configured. */
export class ServerHealth {
  #load = 0;
  /** Failures in a row. */
  #failures = 0;
  /** Until when it is left alone, by `performance.now()`; 0 while it is well. */
  #openUntil = 0;
  /** Whether a call is finding out if it is well again. */
  #isOnTrial = false;
  /** Until when it has asked to be left alone. */
  #pausedUntil = 0;
  #probedAt = Number.NEGATIVE_INFINITY;
  readonly #listeners = { told: new Set<() => void>(), freed: new Set<() => void>() };
  #hasFailed = false;

  /** Calls that it is making for this process. */
  get load(): number {
    return this.#load;
  }

  /** Whether it may be called: `paused` as long as it has asked for, `open` after too many failures, until one call may try it again. */
  state(now: number): 'ready' | 'paused' | 'open' {
    if (this.#openUntil > now || (this.#openUntil > 0 && this.#isOnTrial)) return 'open';
    return this.#pausedUntil > now ? 'paused' : 'ready';
  }

  /** Whether it is left alone, and no call is finding out if it is well again. */
  mayBeTried(now: number): boolean {
    return this.#openUntil > 0 && !this.#isOnTrial && this.state(now) === 'open';
  }

  /** Whether the last call that told anything of it did not fail. */
  get isWell(): boolean {
    return !this.#hasFailed;
  }

  /** Calls a function each time that something is told of whether it may be called, or a call has ended, until the returned one is called. */
  on(what: ServerNews, listener: () => void): () => void {
    this.#listeners[what].add(listener);
    return () => this.#listeners[what].delete(listener);
  }

  /** Milliseconds for which it has asked to be left alone. */
  pauseLeft(now: number): number {
    return Math.max(0, this.#pausedUntil - now);
  }

  /** A call begins. Tell how it went by one of the four below, and that it is over by `end`. */
  begin(): void {
    this.#load++;
    if (this.#openUntil > 0) this.#isOnTrial = true;
  }

  /** A call is over. */
  end(): void {
    this.#load--;
    this.#tell('freed');
  }

  /** A call got its first word. */
  succeeded(name: string): void {
    this.#failures = 0;
    this.#hasFailed = false;
    if (this.#openUntil === 0) return;
    log.info('a model server answers again', { url_host: name });
    this.#openUntil = 0;
    this.#endTrial();
  }

  /** A call has failed, or a probe has, in a way that tells of the server. */
  failed(name: string, { failures, open }: BreakerSettings, error: unknown): void {
    this.#failures++;
    this.#hasFailed = true;
    const isOpen = this.#openUntil > 0;
    if (!isOpen && this.#failures < failures) return;
    this.#openUntil = performance.now() + open;
    this.#endTrial();
    if (isOpen) return;
    log.warn('a model server is left alone after failures in a row', {
      url_host: name,
      failures: this.#failures,
      for_ms: open,
      error: describe(error),
    });
  }

  /** A call was refused by its rate limit, which says that it lives. */
  limited(): void {
    this.#hasFailed = true;
    this.untold();
  }

  /** A call ended without telling anything of the server. */
  untold(): void {
    if (this.#isOnTrial) this.#endTrial();
  }

  /** It has asked to be left alone for so many milliseconds. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + ms);
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
    if (this.#openUntil === 0 || this.#isOnTrial) return;
    this.#openUntil = 1;
    this.#endTrial();
  }

  #endTrial(): void {
    this.#isOnTrial = false;
    this.#tell('told');
  }

  #tell(what: ServerNews): void {
    const listeners = this.#listeners[what];
    if (listeners.size > 0) for (const listener of [...listeners]) listener();
  }
}
