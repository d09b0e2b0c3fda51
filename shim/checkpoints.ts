import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Megabytes of the thread's heap: it holds nothing. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

/** The thread that writes the log back. */
export interface Checkpoints {
  /** Says whether the disk is full: the log is emptied then as soon as it can be. */
  full(isFull: boolean): void;
  end(): Promise<void>;
}

/**
 * Has a thread write the log of a SQLite file back into it, and keep the log small: that waits for the disk, which would hold
 * up all else. `onExit` is called when the thread has ended by itself.
 */
export async function keepCheckpoints(file: string, onExit: (error: unknown) => void): Promise<Checkpoints> {
  const name = `./checkpoint-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`;
  const worker = new Worker(new URL(name, import.meta.url), { workerData: file, resourceLimits: RESOURCE_LIMITS });
  let error: unknown;
  worker.on('error', (reason) => {
    error = reason;
  });
  const exited = once(worker, 'exit');
  const exitListener = () => onExit(error);
  worker.once('exit', exitListener);
  await once(worker, 'online');
  worker.unref();
  return {
    full: (isFull) => worker.postMessage(isFull ? 'full' : 'room'),
    async end() {
      worker.off('exit', exitListener);
      worker.ref(); // its end is waited for
      worker.postMessage('end');
      await exited;
    },
  };
}
