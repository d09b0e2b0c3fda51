import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import module from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FairQueue } from '../../handler/fair-queue.ts';
import { ApiError, describe, fixedLimits, log } from '../../handler/index.ts';
import type { LoadedPage, PageReducer } from '../../handler/tools/web-search/page-reducer.ts';
import { PageFailure } from '../../handler/tools/web-search/web-page.ts';
import type { PageAnswer } from './page-process.ts';

/** The default of `idle`: a model opens its pages one soon after the other. */
const IDLE_MS = 60_000;

/** The heap of a process in megabytes: pages that are read need half of it. */
const HEAP_MB = 192;

const BUSY = 'Too many pages are being read. Try again later.';
const STOPPING = 'The server is stopping.';
const TOO_SLOW = 'The page takes too long to read.';
const TOO_LARGE = 'The page needs too much memory to be read.';

const FILE = new URL(`./page-process.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);

/**
 * Processes that reduce pages, so that no page holds up this one, or ends it: a heap that is full ends its process, all threads included. One is
 * started when a page needs it, ended with a page that takes too long or too much, and when there is nothing to do. Callers share them fairly.
 */
export class PageProcesses {
  readonly #places = new FairQueue({ places: fixedLimits.pageProcesses, waiting: fixedLimits.pagesWaiting });
  readonly #running = new Set<ChildProcess>();
  readonly #idle: ChildProcess[] = [];
  readonly #timeout: number;
  readonly #idleMs: number;
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** `timeout` is how long one page may take, `idle` how long a process without work is kept, in milliseconds. */
  constructor({ timeout = fixedLimits.pageTime, idle = IDLE_MS }: { timeout?: number; idle?: number } = {}) {
    this.#timeout = timeout;
    this.#idleMs = idle;
  }

  /** The ids of those that run. */
  get pids(): (number | undefined)[] {
    return [...this.#running].map(({ pid }) => pid);
  }

  /** Reduces a page in one of them. */
  readonly reduce: PageReducer = async (page, who, signal) => {
    const leave = await this.#enter(who, signal);
    try {
      if (this.#isClosed) throw new PageFailure(STOPPING);
      const child = this.#idle.pop() ?? this.#start();
      const answer = await this.#ask(child, page, signal);
      this.#rest(child);
      if ('failure' in answer) throw new PageFailure(answer.failure);
      return answer.page;
    } finally {
      leave();
    }
  };

  /** Ends them all. Pages that wait are not read. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    this.#places.close(new ApiError('overloaded', STOPPING));
    await Promise.all([...this.#running].map(end));
  }

  async #enter(...given: Parameters<FairQueue['enter']>): Promise<() => void> {
    try {
      return await this.#places.enter(...given);
    } catch (error) {
      given[1].throwIfAborted();
      throw new PageFailure(this.#isClosed ? STOPPING : BUSY, { cause: error });
    }
  }

  #start(): ChildProcess {
    const compiled = module.getCompileCacheDir?.(); // Node tells the folder of its version
    const child = fork(fileURLToPath(FILE), {
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
      env: { ...(compiled && { NODE_COMPILE_CACHE: dirname(compiled) }) }, // whoever takes it over finds nothing of ours
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
    });
    this.#running.add(child);
    child.on('error', () => {}); // whoever waits for it hears of it
    child.once('exit', () => {
      this.#running.delete(child);
      const at = this.#idle.indexOf(child);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    return child;
  }

  /** What a process answers. One that gives no answer has ended when this rejects. */
  async #ask(child: ChildProcess, page: LoadedPage, signal: AbortSignal): Promise<Exclude<PageAnswer, 'begins'>> {
    const { promise, resolve, reject } = Promise.withResolvers<Exclude<PageAnswer, 'begins'>>();
    let timer: NodeJS.Timeout | undefined;
    const heard = (said: PageAnswer) => {
      if (said !== 'begins') resolve(said);
      // A process that starts on a busy machine takes time that no page has asked for.
      else timer = setTimeout(() => reject(new PageFailure(TOO_SLOW)), this.#timeout);
    };
    const exited = () => reject(new PageFailure(this.#isClosed ? STOPPING : TOO_LARGE));
    const left = () => reject(signal.reason);
    child.ref();
    Object(child.channel).ref?.(); // Bun's has none
    child.on('message', heard).once('exit', exited).once('error', reject);
    if (signal.aborted) left();
    else signal.addEventListener('abort', left);
    try {
      child.send(page);
      return await promise;
    } catch (error) {
      await end(child);
      if (signal.aborted || error instanceof PageFailure) throw error;
      log.warn('a process that reads pages has failed', { error: describe(error) });
      throw new PageFailure('The page cannot be read.', { cause: error });
    } finally {
      clearTimeout(timer);
      child.off('message', heard).off('exit', exited).off('error', reject);
      signal.removeEventListener('abort', left);
    }
  }

  #rest(child: ChildProcess): void {
    child.unref();
    Object(child.channel).unref?.();
    this.#idle.push(child);
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      for (const idle of this.#idle.splice(0)) void end(idle);
    }, this.#idleMs).unref();
  }
}

/** Reduces pages in processes of their own, for `openWebSearchWith`: none is started before a page needs it. `close` ends them. */
export function createPageReducer(): { reduce: PageReducer; close(): Promise<void> } {
  const processes = new PageProcesses();
  return { reduce: processes.reduce, close: () => processes.close() };
}

/** Ends a process, if it has not ended or never begun. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.ref();
  child.kill('SIGKILL');
  await exited;
}
