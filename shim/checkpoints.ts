import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** Heap of the thread in megabytes: it stores nothing. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

/** The checkpoint thread of a SQLite file. */
export interface Checkpoints {
  /** Tells the thread whether the disk is full: then it truncates the log as soon as possible. */
  full(isFull: boolean): void;
  end(): Promise<void>;
}

/**
 * Checkpoints a SQLite file in a thread, which keeps its log small: a checkpoint waits for the disk, which would block the
 * event loop. `onExit` is called when the thread ends by itself.
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
      worker.ref(); // keep the process alive until it has ended
      worker.postMessage('end');
      await exited;
    },
  };
}
