import { describe, log } from './log.ts';

/** The interval of sweeps, in milliseconds. */
export const SWEEP_MS = 60_000;

/** The interval of webhook retries, in milliseconds. */
const DELIVER_MS = 2_000;

/** The interval in which the rate limit service is told what turns used, in milliseconds. */
const CHARGE_MS = 1_000;

/** The interval in which model servers are looked at whose probe is due, in milliseconds. */
const PROBE_MS = 1_000;

/** Checks for turns of dead processes per lease. */
const RESUMES = 3;

/** A handler's periodic work. */
export interface Maintenance {
  sweep(): Promise<unknown>;
  resume(): Promise<unknown>;
  deliver(): Promise<unknown>;
  /** Tells the rate limit service what turns used, if there is one. */
  charge?: (() => Promise<unknown>) | undefined;
  /** Probes the model servers whose time it is. */
  probe(): Promise<unknown>;
}

/** Runs all of it now and then periodically, until the returned function is called. Failures are logged, but for what an end has cut short. */
export function startMaintenance({ sweep, resume, deliver, charge, probe }: Maintenance, lease: number): () => void {
  const ends = [
    repeat(SWEEP_MS, 'sweep', sweep),
    repeat(lease / RESUMES, 'resume', resume),
    repeat(DELIVER_MS, 'deliver', deliver),
    repeat(PROBE_MS, 'probe', probe),
    ...(charge ? [repeat(CHARGE_MS, 'charge', charge)] : []),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function repeat(every: number, what: string, work: () => Promise<unknown>): () => void {
  let hasEnded = false;
  const tryIt = () =>
    work().catch((error) => {
      if (!hasEnded) log.error(`cannot ${what}`, { error: describe(error) });
    });
  void tryIt();
  const timer = setInterval(tryIt, every);
  return () => {
    hasEnded = true;
    clearInterval(timer);
  };
}
