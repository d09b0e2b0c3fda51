import type { Handler, Job, Runner, Work } from '../index.ts';
import type { Bindings, ObjectNamespace } from './bindings.ts';

/** The part of a Durable Object's state that is used. */
export interface ObjectState {
  storage: {
    get(key: string): Promise<Job | undefined>;
    put(key: string, job: Job): Promise<void>;
    deleteAll(): Promise<void>;
    setAlarm(at: number): Promise<void>;
  };
}

/** A Durable Object class, by the members that the platform calls. */
export type ObjectClass = new (
  state: ObjectState,
  bindings: Bindings,
) => { fetch(request: Request): Promise<Response>; alarm(): Promise<void> };

/** An open handler, and the function that runs its background jobs. */
export interface OpenHandler {
  handler: Handler;
  work: Work;
  /** Hands over the traces and metrics of what has ended. Never rejects. */
  flush(): Promise<void>;
}

/** Runs what one request or alarm does. */
export type Within = <T>(run: () => T) => T;

/** Delay before checking again on a turn that another process runs, in milliseconds. */
const RETRY_MS = 10_000;

/**
 * The Durable Object of one background turn. It works in an alarm, which may run for as long as it takes, while a request
 * ends with its reply; the platform repeats an alarm whose machine failed.
 */
export function backgroundTurnClass(open: (bindings: Bindings) => Promise<OpenHandler>, within: Within): ObjectClass {
  return class BackgroundTurn {
    readonly #state: ObjectState;
    readonly #bindings: Bindings;
    readonly #stopping = new AbortController();

    constructor(state: ObjectState, bindings: Bindings) {
      this.#state = state;
      this.#bindings = bindings;
    }

    /** `PUT` starts a job, `DELETE` aborts it, `POST` wakes the object that delivers webhooks. */
    async fetch(request: Request): Promise<Response> {
      const { storage } = this.#state;
      if (request.method === 'DELETE') this.#stopping.abort();
      else if (request.method === 'POST') await storage.setAlarm(Date.now());
      else {
        await storage.put('job', (await request.json()) as Job); // from the runner below
        await storage.setAlarm(Date.now());
      }
      return new Response();
    }

    /**
     * Runs the turn, and checks again later while another process may be running it. One object without a turn delivers all
     * webhooks until none is due: with one per turn, each would wake for every delivery.
     */
    alarm(): Promise<void> {
      return within(() => this.#work());
    }

    async #work(): Promise<void> {
      const { storage } = this.#state;
      const job = await storage.get('job');
      const { handler, work, flush } = await open(this.#bindings);
      try {
        if (!job) {
          const next = await handler.deliver();
          if (next !== undefined) await storage.setAlarm(next);
        } else if (await work(job, this.#stopping.signal)) {
          await storage.deleteAll();
          const { TURNS } = this.#bindings;
          await TURNS.get(TURNS.idFromName('webhooks')).fetch('https://turn/', { method: 'POST' });
        } else await storage.setAlarm(Date.now() + RETRY_MS);
      } finally {
        await flush();
      }
    }
  };
}

/** Runs every background turn in a Durable Object of its own. */
export function objectRunner(turns: ObjectNamespace): Runner {
  const send = async (method: string, job: Pick<Job, 'tenant' | 'id'>) => {
    await turns
      .get(turns.idFromName(`${job.tenant}/${job.id}`))
      .fetch('https://turn/', { method, body: JSON.stringify(job) });
  };
  return {
    start: (job) => send('PUT', job),
    stop: (job) => send('DELETE', job),
    async close() {},
  };
}
