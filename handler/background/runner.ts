/** A turn in the background, by its response. */
export interface Job {
  tenant: string;
  id: string;
}

/** Does a job, as far as it is not somebody else's, and says whether its response has ended. Never rejects. */
export type Work = (job: Job, signal: AbortSignal) => Promise<boolean>;

/** Where background work runs: in this process, or wherever a platform has a place that outlives a request. */
export interface Runner {
  /** Has a job done soon; once it returns, the job is not forgotten. One that is started again meanwhile is done once. */
  start(job: Job): Promise<void>;
  /** Ends the work on a job whose response has ended already. */
  stop(job: Job): Promise<void>;
  /**
   * Begins nothing more here, gives what runs here so many milliseconds to end, and then ends the work, to be taken over by
   * others.
   */
  close(patience: number): Promise<void>;
}

/** A Runner in this process, which does `atOnce` jobs at a time; others wait for their turn, the oldest first. */
export function inProcessRunner(work: Work, atOnce: number): Runner {
  const waiting = new Map<string, Job>();
  const running = new Map<string, { controller: AbortController; ended: Promise<boolean> }>();
  let closed = false;

  const next = () => {
    for (const [key, job] of waiting) {
      if (closed || running.size >= atOnce) return;
      waiting.delete(key);
      const controller = new AbortController();
      const ended = work(job, controller.signal).finally(() => {
        running.delete(key);
        next();
      });
      running.set(key, { controller, ended });
    }
  };
  const end = async (key: string) => {
    waiting.delete(key);
    const found = running.get(key);
    found?.controller.abort();
    await found?.ended;
  };

  return {
    async start(job) {
      const key = keyOf(job);
      if (running.has(key)) return;
      waiting.set(key, job);
      next();
    },
    stop: (job) => end(keyOf(job)),
    async close(patience) {
      closed = true;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, patience);
      await Promise.race([promise, Promise.all(Array.from(running.values(), ({ ended }) => ended))]);
      clearTimeout(timer);
      await Promise.all([...running.keys()].map(end));
    },
  };
}

function keyOf({ tenant, id }: Job): string {
  return `${tenant}/${id}`;
}
