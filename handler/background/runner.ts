import { tenantOf } from '../caller.ts';
import { CallerCount } from '../caller-count.ts';
import { ApiError } from '../errors.ts';
import { FairQueue } from '../fair-queue.ts';

/** A background turn, by its response. */
export interface Job {
  tenant: string;
  id: string;
  /** Id of the caller. */
  caller: string;
}

/** Runs a job, unless another process does, and says whether its response has ended. Never rejects. */
export type Work = (job: Job, signal: AbortSignal) => Promise<boolean>;

/** Where background jobs run: in this process, or wherever a platform has a place that outlives a request. */
export interface Runner {
  /** Starts a job soon; once it returns, the job survives. Starting a job again while it runs does nothing. */
  start(job: Job): Promise<void>;
  /** Aborts a job whose response has ended already. */
  stop(job: Pick<Job, 'tenant' | 'id'>): Promise<void>;
  /** Jobs of a caller that run or wait here. Absent where nothing counts them. */
  countOf?(caller: string): number;
  /** The same of a tenant, all its users together. */
  countOfTenant?(tenant: string): number;
  /** Jobs that run and that wait here. Absent where nothing counts them. */
  counts?(): { running: number; waiting: number };
  /** Changes how many jobs run here at a time; those that run go on. Absent where nothing limits them. */
  setMaxJobs?(maxJobs: number): void;
  /** Starts nothing more, waits `patience` milliseconds for running jobs, and then aborts them, for other processes to resume. */
  close(patience: number): Promise<void>;
}

/**
 * A Runner in this process with `maxJobs` jobs at a time. Others wait; next is the oldest job of the tenant with the fewest
 * running ones, and of its caller with the fewest.
 */
export function inProcessRunner(work: Work, maxJobs: number): Runner {
  const limitsOf = (places: number) => ({ places, waiting: Number.POSITIVE_INFINITY });
  const queue = new FairQueue(limitsOf(maxJobs));
  const jobs = new Map<string, { controller: AbortController; ended: Promise<unknown> }>();

  const byCaller = new CallerCount();
  const byTenant = new CallerCount();

  const run = async (job: Job, controller: AbortController) => {
    const tenant = tenantOf(job.tenant);
    const leave = [byCaller.hold(job.caller), byTenant.hold(tenant)];
    try {
      leave.push(await queue.enter({ id: job.caller, tenant }, controller.signal));
      await work(job, controller.signal);
    } finally {
      for (const each of leave) each();
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
      const remove = () => void jobs.delete(key); // also when it was given up while it waited
      jobs.set(key, { controller, ended: run(job, controller).then(remove, remove) });
    },
    stop: (job) => end(keyOf(job)),
    countOf: (caller) => byCaller.countOf(caller),
    countOfTenant: (tenant) => byTenant.countOf(tenant),
    counts: () => queue.counts,
    setMaxJobs: (maxJobs) => queue.setLimits(limitsOf(maxJobs)),
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
