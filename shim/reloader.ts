import { isDeepStrictEqual } from 'node:util';
import { ApiError, describe, log, type Readiness } from '../handler/index.ts';
import { placed } from './config-file.ts';
import { type FileWatch, watchFiles } from './file-watch.ts';
import type { Flags } from './flags.ts';
import { restartKeys } from './restart-keys.ts';
import { type ConfigSource, readSetup, type Setup } from './setup.ts';

/** How often a process has taken another configuration, or could not. */
export interface Reloads {
  taken: number;
  failed: number;
  /** Whether the last one was taken; true before the first. */
  ok: boolean;
  /** When the last one was tried, in milliseconds since 1970; undefined before the first. */
  at: number | undefined;
  /** Why the last one that failed did, without secrets. */
  error: string | undefined;
}

/** What a Reloader reloads. */
export interface ReloaderOptions {
  source: ConfigSource;
  flags: Partial<Flags>;
  /** The configuration of the start, and the files that it was read from, with what they held. */
  started: Setup;
  filesRead: ReadonlyMap<string, string>;
  /** Takes another configuration; rejects with an Error, and changes nothing, if it cannot be used. */
  take(setup: Setup): Promise<void>;
  readiness: Readiness;
}

/**
 * Reloads the configuration when one of its files changes, and when it is asked to. One that is wrong changes nothing: it is an
 * ERROR in the log, a note in `/readyz`, and counted.
 */
export class Reloader {
  readonly reloads: Reloads = { taken: 0, failed: 0, ok: true, at: undefined, error: undefined };
  readonly #options: ReloaderOptions;
  #source: ConfigSource;
  #newest: Setup;
  /** The files of the configuration in use, and those that were read last. */
  #used: ReadonlyMap<string, string>;
  #tried: ReadonlyMap<string, string>;
  readonly #watch: FileWatch;
  /** Reloads come one after another. */
  #last = Promise.resolve();
  #closed = false;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#source = options.source;
    this.#newest = options.started;
    this.#used = options.filesRead;
    this.#tried = options.filesRead;
    this.#watch = watchFiles(() => void this.#reload(this.#source, true).catch(() => {}), cannotWatch);
    this.#watchFiles();
    // What has changed since it was read was changed before anybody watched.
    if (this.#used.size > 0) void this.#reload(this.#source, true).catch(() => {});
  }

  /**
   * Reads the configuration again, or takes one in place of that of the root. Rejects with an Error that says what is wrong.
   */
  async reload(inline?: object): Promise<void> {
    const { file } = this.#source;
    if (inline && file !== undefined) throw new Error(`the configuration is in ${file}: change that`);
    return this.#reload(inline ? { ...this.#source, inline } : this.#source, false);
  }

  /** Watches nothing any more, and takes nothing. */
  close(): void {
    this.#closed = true;
    this.#watch.close();
  }

  #reload(source: ConfigSource, onlyIfChanged: boolean): Promise<void> {
    const reloaded = this.#last.then(() => this.#read(source, onlyIfChanged));
    this.#last = reloaded.catch(() => {});
    return reloaded;
  }

  async #read(source: ConfigSource, onlyIfChanged: boolean): Promise<void> {
    if (this.#closed) throw new ApiError('stopping', 'The server is stopping.');
    const filesRead = new Map<string, string>();
    const read = readSetup({ ...source, filesRead }, this.#options.flags);
    await read.catch(() => {});
    if (this.#closed || (onlyIfChanged && isDeepStrictEqual(filesRead, this.#tried))) return;
    this.#tried = filesRead;
    const { reloads } = this;
    try {
      const setup = await read;
      await this.#take(setup);
      this.#source = source;
      this.#used = filesRead;
      reloads.taken++;
      reloads.ok = true;
    } catch (error) {
      reloads.failed++;
      reloads.ok = false;
      reloads.error = describe(error);
      log.error('the configuration could not be reloaded, so the one before stays', { error: reloads.error });
      throw error;
    } finally {
      reloads.at = Date.now();
      this.#options.readiness.note('reload', !reloads.ok);
      this.#watchFiles();
    }
  }

  async #take(setup: Setup): Promise<void> {
    const { take, started } = this.#options;
    const { config, file } = setup;
    // Whoever writes it in place empties it first.
    if (file && Object.keys(file.value).length === 0) throw new Error(`${this.#source.file}: there is no key in it`);
    await placed(file, () => take(setup));
    const before = new Map(Object.entries(this.#newest.config));
    const after = new Map(Object.entries(config));
    const keys = new Set([...after.keys(), ...before.keys()]); // one that is gone has changed too
    const changed = [...keys].filter((key) => !isDeepStrictEqual(after.get(key), before.get(key)));
    this.#newest = setup;
    log.info('the configuration was reloaded', { changed });
    const needRestart = restartKeys(started, setup);
    if (needRestart.length > 0) {
      log.warn('what has changed of the configuration needs a restart', { keys: needRestart });
    }
  }

  #watchFiles(): void {
    try {
      if (!this.#closed) this.#watch.set([...this.#used.keys(), ...this.#tried.keys()]);
    } catch (error) {
      cannotWatch(error);
    }
  }
}

function cannotWatch(error: unknown): void {
  log.warn('the files of the configuration cannot be watched: SIGHUP reloads them', { error: describe(error) });
}
