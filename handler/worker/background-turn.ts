import type { Handler, Job, Runner, Work } from '../index.ts';
import type { Bindings, ObjectNamespace } from './bindings.ts';

/** As much of a Durable Object's state as is used. */
export interface ObjectState {
  storage: {
    get(key: string): Promise<Job | undefined>;
    put(key: string, job: Job): Promise<void>;
    deleteAll(): Promise<void>;
    setAlarm(at: number): Promise<void>;
  };
}

/** A class of Durable Objects, by the members that the platform calls. */
export type ObjectClass = new (
  state: ObjectState,
  bindings: Bindings,
) => { fetch(request: Request): Promise<Response>; alarm(): Promise<void> };

/** A handler, and the work on background turns that it has for a runner. */
export interface OpenHandler {
  handler: Handler;
  work: Work;
}

/** How soon a turn is looked at again that another process has, in milliseconds. */
const RETRY_MS = 10_000;

/**
 * The Durable Object that makes one background turn: an alarm may run for as long as it takes, where a request ends with its
 * reply, and the platform repeats one whose machine has failed.
 */
export function backgroundTurnClass(open: (bindings: Bindings) => Promise<OpenHandler>): ObjectClass {
  return class BackgroundTurn {
    readonly #state: ObjectState;
    readonly #bindings: Bindings;
    readonly #stopping = new AbortController();

    constructor(state: ObjectState, bindings: Bindings) {
      this.#state = state;
      this.#bindings = bindings;
    }

    /** `PUT` with a job has it made soon, `DELETE` ends the work on it; `POST` wakes the object of the webhooks. */
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
     * Makes the turn, and looks again later while another process that may be alive has it. The object of the webhooks, which
     * has no turn, delivers them until there is none that waits: one for all, or each turn's would wake for every delivery.
     */
    async alarm(): Promise<void> {
      const { storage } = this.#state;
      const job = await storage.get('job');
      const { handler, work } = await open(this.#bindings);
      if (!job) {
        const next = await handler.deliver();
        if (next !== undefined) await storage.setAlarm(next);
      } else if (await work(job, this.#stopping.signal)) {
        await storage.deleteAll();
        const { TURNS } = this.#bindings;
        await TURNS.get(TURNS.idFromName('webhooks')).fetch('https://turn/', { method: 'POST' });
      } else await storage.setAlarm(Date.now() + RETRY_MS);
    }
  };
}

/** Has every background turn made by a Durable Object of its own. */
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
