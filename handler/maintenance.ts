import { describe, log } from './log.ts';

/** How often what has expired is removed, in milliseconds. */
const SWEEP_MS = 60_000;

/** How often webhooks are delivered that could not be at once, in milliseconds. */
const DELIVER_MS = 2_000;

/** Times within a lease that turns without a process are looked for. */
const RESUMES = 3;

/** What a handler has to do now and then, beside requests. */
export interface Maintenance {
  sweep(): Promise<unknown>;
  resume(): Promise<unknown>;
  deliver(): Promise<unknown>;
}

/** Does all of it now, and then again and again until what it gives is called; a failure is logged. */
export function startMaintenance({ sweep, resume, deliver }: Maintenance, lease: number): () => void {
  const timers = [
    repeat(SWEEP_MS, 'sweep', sweep),
    repeat(lease / RESUMES, 'resume', resume),
    repeat(DELIVER_MS, 'deliver', deliver),
  ];
  return () => timers.forEach(clearInterval);
}

function repeat(every: number, what: string, work: () => Promise<unknown>) {
  const tryIt = () => work().catch((error) => log.error(`cannot ${what}`, { error: describe(error) }));
  void tryIt();
  return setInterval(tryIt, every);
}
