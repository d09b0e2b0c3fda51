import { ApiError, toApiError } from '../errors.ts';
import type { ResponseEvent } from '../events/events.ts';
import type { Item, OutputItem } from '../items/item.ts';
import type { Response } from '../protocol/response.ts';
import { Conflict, type Statement } from '../state/database/database.ts';
import { insertDeliveries } from '../state/deliveries.ts';
import type { ConversationPosition } from '../state/history.ts';
import { advanceJob, removeJob } from '../state/jobs.ts';
import { insertBlock, toLine } from '../state/log.ts';
import { withCharge } from '../state/record.ts';
import { retryRead, waitToRetry } from '../state/retry.ts';
import type { TenantStore } from '../state/tenant-store.ts';
import { removeOutput, requireOwner, writeEnd, writeOutput } from '../state/turn-rows.ts';
import { findWritten, isUnknown } from '../state/until-known.ts';
import type { ChargeOf } from '../turn/charge-of.ts';
import type { TurnRecord } from '../turn/record.ts';
import type { Progress } from './progress.ts';
import type { BackgroundJob } from './stored-job.ts';

/** A block is written at this age, or at this size in characters. */
const MAX_BLOCK_AGE_MS = 50;
const MAX_BLOCK_SIZE = 64 * 1024;

/** What a LogRecord needs. */
export interface LogRecordOptions {
  store: TenantStore;
  id: string;
  job: BackgroundJob;
  /** The conversation of the turn. */
  conversation: ConversationPosition | null;
  /** Called after each write: readers can see new events. */
  onWrite(): void;
  /**
   * Called when the log cannot be written: with an ApiError, or with any other error when another process has taken the turn
   * over.
   */
  abort(reason: unknown): void;
  /** Aborts when the turn is ended from outside. Any reason but an ApiError means that another process owns the turn now. */
  signal: AbortSignal;
  /** An estimate of what the next model call reads, in tokens, where it is known. */
  reads(): number | undefined;
  /** The charge of the turn; undefined where none is kept. */
  charge: ChargeOf | undefined;
}

/**
 * Records a background turn: its events in blocks, durable before anyone reads them, and its progress after each round, to
 * resume from. Every write is undone when another process owns the turn.
 */
export class LogRecord implements TurnRecord {
  readonly #options: LogRecordOptions;
  #lines: string[] = [];
  #size = 0;
  #last = 0;
  #block: number;
  #written: number;
  #roundItemCount: number;
  /** The usage of the rounds that are whole, which limits have counted. */
  #counted: Progress['counted'];
  /** The progress since calls run, and the ids of the items of their round that are written. */
  #calling: Progress | undefined;
  readonly #recorded = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Serializes writes. */
  #writing: Promise<void> = Promise.resolve();

  constructor(options: LogRecordOptions) {
    this.#options = options;
    this.#block = options.job.writtenBlocks;
    this.#written = options.job.writtenItems;
    this.#roundItemCount = options.job.progress.said;
    this.#counted = options.job.progress.counted;
  }

  /** Appends an event and returns its size; resolves when the next one may be appended. The terminal event is not stored. */
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

  async calling(...[output, items, progress]: Parameters<TurnRecord['calling']>): Promise<void> {
    // Nothing is read while calls run.
    await this.#advance(output, items, { ...progress, reads: 0, running: { items: 0, ends: false } });
  }

  async called(...[output, citations, endsTurn]: Parameters<TurnRecord['called']>): Promise<void> {
    const before = this.#calling;
    const running = { items: before?.running?.items ?? 0, ends: endsTurn || before?.running?.ends === true };
    if (before)
      await this.#advance([], [output], { ...before, citations: [...before.citations, ...citations], running });
  }

  async round(...[output, items, progress]: Parameters<TurnRecord['round']>): Promise<void> {
    const unwritten = items.filter((item) => !this.#recorded.has(item.id));
    this.#counted = progress.usage;
    await this.#advance(output, unwritten, { ...progress, reads: this.#options.reads() });
    this.#recorded.clear();
  }

  /** Writes the new output and items, and how far the turn has come with them. */
  async #advance(
    output: readonly OutputItem[],
    items: readonly Item[],
    { round, usage, calls, citations, number, reads, running }: Omit<Progress, 'said'>,
  ): Promise<void> {
    const { store, id } = this.#options;
    const said = this.#roundItemCount + items.length;
    const inRound = running && { running: { ...running, items: running.items + items.length } };
    const next = { round, usage, calls, citations, number, said, reads, counted: this.#counted, ...inRound };
    const written = Math.max(this.#written, output.length);
    await this.#write(
      [
        ...writeOutput(store.tenant, id, output, this.#written),
        ...advanceJob(store.tenant, id, next, items, running !== undefined),
      ],
      written + said,
    );
    this.#written = written;
    this.#roundItemCount = said;
    this.#calling = running && next;
    for (const item of items) this.#recorded.add(item.id);
  }

  async end(final: Response, rewritten = false): Promise<Response> {
    const { store, id, job, conversation, signal, charge } = this.#options;
    clearTimeout(this.#timer);
    if (signal.aborted && !(signal.reason instanceof ApiError)) return final;
    const { tenant, lease } = store;
    const removed = rewritten && this.#written > 0 ? removeOutput(tenant, id) : [];
    if (removed.length > 0) this.#written = 0;
    const turn = { tenant, response: final, writtenItems: this.#written, inputItems: job.input.length, conversation };
    try {
      await this.#write([
        ...insertDeliveries(tenant, final, store.webhooks),
        ...removeJob(tenant, id),
        ...removed,
        ...withCharge(store, writeEnd({ ...turn, logUntil: Date.now() + store.logRetention }, lease.id), final, charge),
      ]);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error; // another process has ended or claimed it
    }
    return final;
  }

  async #flush(): Promise<void> {
    try {
      await this.#write([]);
    } catch (error) {
      this.#options.abort(error instanceof Conflict ? error : toApiError(error));
    }
  }

  /** Writes pending lines, together with the statements, after which there are so many items. */
  #write(statements: readonly Statement[], items = 0): Promise<void> {
    const writing = this.#writing.then(() => this.#writeNow(statements, items));
    this.#writing = writing.catch(() => {});
    return writing;
  }

  async #writeNow(statements: readonly Statement[], items: number): Promise<void> {
    const { store, id, signal } = this.#options;
    const { database, tenant, lease } = store;
    const deadline = performance.now() + lease.duration;
    /** The lines of an attempt that may have been done. */
    let unknown: string[] | undefined;
    for (;;) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      const lines: string[] = unknown ?? this.#lines.slice();
      if (lines.length + statements.length === 0) return;
      this.#size = 0;
      try {
        await lease.write(database, {
          owned: requireOwner(tenant, id, lease.id),
          log: lines.length > 0 ? insertBlock(tenant, id, this.#block, lines, this.#last) : [],
          statements,
        });
        return this.#wrote(lines.length);
      } catch (error) {
        const takenOver = signal.aborted && !(signal.reason instanceof ApiError);
        if (unknown && error instanceof Conflict) {
          const blocks = this.#block + (lines.length > 0 ? 1 : 0);
          const find = () => findWritten(store, id, { owner: lease.id, items, blocks });
          if (await retryRead(find, lease.duration)) return this.#wrote(lines.length);
        }
        if (error instanceof Conflict || takenOver || performance.now() > deadline) throw error;
        if (isUnknown(error)) unknown = lines;
      }
      await waitToRetry();
    }
  }

  #wrote(lines: number): void {
    this.#lines.splice(0, lines);
    if (lines > 0) this.#block++;
    this.#options.onWrite();
  }
}
