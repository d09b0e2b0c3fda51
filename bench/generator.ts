import { once } from 'node:events';
import { type Child, startScript } from './children.ts';
import type { Job, Jobs, Outcome } from './load.ts';

/** The load generator, a process of its own. */
export interface Generator extends Jobs {
  stop(): Promise<void>;
}

/** Starts the load generator. */
export async function startGenerator(): Promise<Generator> {
  const child: Child = await startScript('load.ts', 0);
  async function ask<Name extends keyof Jobs>(job: Job & { name: Name }): Promise<Awaited<ReturnType<Jobs[Name]>>> {
    const over = new AbortController();
    const answered = once(child.process, 'message', { signal: over.signal });
    const gone = () => over.abort(new Error('the load generator has ended'));
    child.process.once('exit', gone);
    child.process.send(job);
    const [outcome]: Outcome[] = await answered.finally(() => child.process.off('exit', gone));
    if (!outcome) throw new Error('no outcome');
    if ('error' in outcome) throw new Error(outcome.error);
    return outcome.result as Awaited<ReturnType<Jobs[Name]>>; // of the job's own function, which load.ts calls
  }
  return {
    hammer: (argument) => ask({ name: 'hammer', argument }),
    firstEvents: (argument) => ask({ name: 'firstEvents', argument }),
    chains: (argument) => ask({ name: 'chains', argument }),
    stop: child.stop,
  };
}
