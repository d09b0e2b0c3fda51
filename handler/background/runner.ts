import { ApiError } from '../errors.ts';
import { FairQueue } from '../fair-queue.ts';

/** A turn in the background, by its response. */
export interface Job {
  tenant: string;
  id: string;
  /** Who asked for it, as the caller's id. */
  caller: string;
}

/** Does a job, as far as it is not somebody else's, and says whether its response has ended. Never rejects. */
export type Work = (job: Job, signal: AbortSignal) => Promise<boolean>;

/** Where background work runs: in this process, or wherever a platform has a place that outlives a request. */
export interface Runner {
  /** Has a job done soon; once it returns, the job is not forgotten. One that is started again meanwhile is done once. */
  start(job: Job): Promise<void>;
  /** Ends the work on a job whose response has ended already. */
  stop(job: Pick<Job, 'tenant' | 'id'>): Promise<void>;
  /** Jobs of a caller that are done or wait here. Absent where nothing counts them. */
  countOf?(caller: string): number;
  /**
   * Begins nothing more here, gives what runs here so many milliseconds to end, and then ends the work, to be taken over by
   * others.
   */
  close(patience: number): Promise<void>;
}

/**
 * A Runner in this process, which does `maxJobs` jobs at a time; others wait, and the next one is of the caller who has the fewest
 * that run, the oldest first.
 */
export function inProcessRunner(work: Work, maxJobs: number): Runner {
  const queue = new FairQueue({ places: maxJobs, waiting: Number.POSITIVE_INFINITY });
  const jobs = new Map<string, { controller: AbortController; ended: Promise<unknown> }>();

  const run = async (job: Job, controller: AbortController) => {
    const release = await queue.enter(job.caller, controller.signal);
    try {
      await work(job, controller.signal);
    } finally {
      release();
    }
  };
  const end = async (key: string) => {
    const running = jobs.get(key);
    running?.controller.abort();
    await running?.ended;
  };

  return {
    async start(job) {
      const key = keyOf(job);
      if (jobs.has(key)) return;
      const controller = new AbortController();
      const remove = () => void jobs.delete(key); // whether it was done, or given up before it began
      jobs.set(key, { controller, ended: run(job, controller).then(remove, remove) });
    },
    stop: (job) => end(keyOf(job)),
    countOf: (caller) => queue.countOf(caller),
    async close(patience) {
      queue.close(new ApiError('stopping', 'The server is stopping.'));
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, patience);
      await Promise.race([promise, Promise.all(Array.from(jobs.values(), ({ ended }) => ended))]);
      clearTimeout(timer);
      await Promise.all([...jobs.keys()].map(end));
    },
  };
}

function keyOf({ tenant, id }: Pick<Job, 'tenant' | 'id'>): string {
  return `${tenant}/${id}`;
}
