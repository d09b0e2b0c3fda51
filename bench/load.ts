import { type Chain, type ChainTimes, runChains } from './chain.ts';
import { type FirstEvent, type FirstEvents, timeFirstEvents } from './first-event.ts';
import { type Bout, hammer, type Load } from './hammer.ts';

/** What the load generator can be asked to do, and what comes of it. */
export interface Jobs {
  hammer(load: Load): Promise<Bout>;
  firstEvents(what: FirstEvents): Promise<Record<string, FirstEvent>>;
  chains(what: Chain): Promise<ChainTimes>;
}

/** One job at a time, with the arguments of the function of its name. */
export type Job = { [Name in keyof Jobs]: { name: Name; argument: Parameters<Jobs[Name]>[0] } }[keyof Jobs];

/** What the parent hears when a job has ended. */
export type Outcome = { result: unknown } | { error: string };

function run(job: Job): Promise<unknown> {
  switch (job.name) {
    case 'hammer':
      return hammer({ ...job.argument, processes: { ...job.argument.processes, load: process.pid } });
    case 'firstEvents':
      return timeFirstEvents(job.argument);
    case 'chains':
      return runChains(job.argument);
  }
}

process.on('message', (job: Job) => {
  run(job).then(
    (result) => process.send?.({ result } satisfies Outcome),
    (error) => process.send?.({ error: String(error) } satisfies Outcome),
  );
});
process.send?.('ready');
