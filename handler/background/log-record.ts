import { ApiError, toApiError } from '../errors.ts';
import type { ResponseEvent } from '../events/events.ts';
import type { Response } from '../protocol/response.ts';
import { pause } from '../state/again.ts';
import { Conflict, type Statement } from '../state/database/database.ts';
import { insertDeliveries } from '../state/deliveries.ts';
import type { ConversationPlace } from '../state/history.ts';
import { advanceJob, noteCall, removeJob } from '../state/jobs.ts';
import { insertBlock, toLine } from '../state/log.ts';
import { requireOwner, writeEnd, writeOutput } from '../state/record.ts';
import type { TenantStore } from '../state/tenant-store.ts';
import type { TurnRecord } from '../turn/record.ts';
import type { BackgroundJob } from './stored-job.ts';

/** A block is written when it is so old, in milliseconds, or so large, in characters. */
const MAX_BLOCK_AGE_MS = 50;
const MAX_BLOCK_SIZE = 64 * 1024;

/** What a log is written with. */
export interface LogMeans {
  store: TenantStore;
  id: string;
  job: BackgroundJob;
  /** The conversation that the turn belongs to. */
  conversation: ConversationPlace | null;
  /** Called when others can see something new. */
  written(): void;
  /** Called when the log cannot be written: with an ApiError, or with anything else when the turn is somebody else's now. */
  abort(reason: unknown): void;
  /** Aborts when the turn is ended from outside; with anything but an ApiError it is not ours to end. */
  signal: AbortSignal;
}

/**
 * The record of a turn in the background: its events in blocks, each of them durable before anyone reads it, and what is
 * needed to go on from where a round has ended. Every write is undone when another process has taken the turn over.
 */
export class LogRecord implements TurnRecord {
  readonly #means: LogMeans;
  #lines: string[] = [];
  #size = 0;
  #last = 0;
  #block: number;
  #written: number;
  #said: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Writes go one after another. */
  #writing: Promise<void> = Promise.resolve();

  constructor(means: LogMeans) {
    this.#means = means;
    this.#block = means.job.blocks;
    this.#written = means.job.written;
    this.#said = means.job.progress.said;
  }

  /** Adds an event, and gives its size; resolves when the next one may be added. The terminal event is not kept. */
  async append(event: ResponseEvent): Promise<number> {
    if ('response' in event && event.type !== 'response.in_progress') return 0;
    const line = toLine(event);
    this.#lines.push(line);
    this.#size += line.length;
    this.#last = event.sequence_number;
    if (this.#size >= MAX_BLOCK_SIZE) await this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), MAX_BLOCK_AGE_MS);
    return line.length;
  }

  async calling(): Promise<void> {
    const { store, id } = this.#means;
    await this.#write([noteCall(store.tenant, id)]);
  }

  async round(...[output, said, soFar]: Parameters<TurnRecord['round']>): Promise<void> {
    const { store, id } = this.#means;
    const { round, usage, calls, citations, number } = soFar;
    const progress = { round, usage, calls, citations, number, said: this.#said + said.length };
    await this.#write([
      ...writeOutput(store.tenant, id, output, this.#written),
      ...advanceJob(store.tenant, id, progress, said),
    ]);
    this.#written = output.length;
    this.#said = progress.said;
  }

  async end(ended: Response): Promise<Response> {
    const { store, id, job, conversation, signal } = this.#means;
    clearTimeout(this.#timer);
    if (signal.aborted && !(signal.reason instanceof ApiError)) return ended;
    const { tenant, owner } = store;
    const turn = { tenant, ended, written: this.#written, inputs: job.input.length, conversation };
    try {
      await this.#write([
        ...removeJob(tenant, id),
        ...insertDeliveries(tenant, ended, store.webhooks),
        ...writeEnd({ ...turn, logUntil: Date.now() + store.logRetention }, owner.id),
      ]);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error; // somebody else has ended it, or goes on with it
    }
    return ended;
  }

  async #flush(): Promise<void> {
    try {
      await this.#write([]);
    } catch (error) {
      this.#means.abort(error instanceof Conflict ? error : toApiError(error));
    }
  }

  /** Writes what waits, with statements beside it. */
  #write(statements: readonly Statement[]): Promise<void> {
    const writing = this.#writing.then(() => this.#writeNow(statements));
    this.#writing = writing.catch(() => {});
    return writing;
  }

  async #writeNow(statements: readonly Statement[]): Promise<void> {
    const { store, id, signal, written } = this.#means;
    const { database, tenant, owner } = store;
    const until = performance.now() + owner.lease;
    for (;;) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      const lines = this.#lines.slice();
      if (lines.length + statements.length === 0) return;
      this.#size = 0;
      try {
        await owner.write(database, {
          owned: requireOwner(tenant, id, owner.id),
          log: lines.length > 0 ? insertBlock(tenant, id, this.#block, lines, this.#last) : [],
          statements,
        });
        this.#lines.splice(0, lines.length);
        if (lines.length > 0) this.#block++;
        return written();
      } catch (error) {
        const left = signal.aborted && !(signal.reason instanceof ApiError);
        if (error instanceof Conflict || left || performance.now() > until) throw error;
      }
      await pause();
    }
  }
}
