import * as zlib from 'node:zlib';
import {
  configureLog,
  createHandler,
  deflateCodec,
  describe,
  environmentModels,
  fetchTransport,
  gzipCodec,
  type Handler,
  type Job,
  type Level,
  log,
  nodeBrotliCodec,
  parseConfig,
  type Runner,
  type Socket,
  standardSocket,
  substitute,
  type Work,
  zstdCodec,
} from './index.ts';
import { type D1Binding, d1Database } from './state/database/d1.ts';
import { migrate } from './state/database/schema.ts';

/**
 * What a deployment binds. `ANTIPHON_CONFIG` is the configuration as JSON, with the keys of the YAML file, and may name
 * secrets as `${NAME}`. Without it `OPENAI_BASE_URL` and `OPENAI_API_KEY` are the one backend, else the demo model.
 */
interface Bindings {
  /** The D1 database of responses and conversations. */
  DB: D1Binding;
  /** Where background turns are made: an object for each. */
  TURNS: ObjectNamespace;
  ANTIPHON_CONFIG?: string;
  LOG_LEVEL?: Level;
  OPENAI_BASE_URL?: string;
  OPENAI_API_KEY?: string;
}

/** As much of a namespace of Durable Objects as is used. */
interface ObjectNamespace {
  idFromName(name: string): object;
  get(id: object): { fetch(url: string, init: { method: string; body?: string }): Promise<Response> };
}

/** As much of a Durable Object's state as is used. */
interface ObjectState {
  storage: {
    get(key: string): Promise<Job | undefined>;
    put(key: string, job: Job): Promise<void>;
    deleteAll(): Promise<void>;
    setAlarm(at: number): Promise<void>;
  };
}

/** As much of a Workers' context as is used. */
interface Context {
  waitUntil(work: Promise<unknown>): void;
}

/** A WebSocket's two ends as Workers make them: one goes into the reply, the other is ours once it is accepted. */
declare const WebSocketPair: new () => { 0: object; 1: Parameters<typeof standardSocket>[0] & { accept(): void } };

/** How soon a turn is looked at again that another process has, in milliseconds. */
const AGAIN = 10_000;

/** The default of `limits.inFlight`: half of what an isolate may use. */
const IN_FLIGHT = 64 * 1024 * 1024;

/** Slices of a sweep: the platform bounds the queries of one call, and each slice makes some ten. */
const SLICES = 20;

let opening: Promise<{ handler: Handler; work: Work }> | undefined;

/** The handler that all requests of this isolate share; the first one brings the schema to the newest. */
async function opened(bindings: Bindings): Promise<{ handler: Handler; work: Work }> {
  opening ??= open(bindings);
  try {
    return await opening;
  } catch (error) {
    opening = undefined;
    throw error;
  }
}

export default {
  /** Answers one request; a wrong configuration is a 500 whose reason only the log holds. */
  async fetch(request: Request, bindings: Bindings, context: Context): Promise<Response> {
    try {
      const { handler } = await opened(bindings);
      const waitUntil = (work: Promise<unknown>) => context.waitUntil(work);
      const peer = request.headers.get('cf-connecting-ip') ?? undefined; // Cloudflare sets it, whatever a client sends
      return handler.fetch(request, { name: 'workers', peer, waitUntil, upgrade });
    } catch (error) {
      log.error('cannot start', { error: describe(error) });
      const message = 'The server is not configured as it should be; its log says more.';
      return Response.json({ error: { message, type: 'server_error', code: 500, param: null } }, { status: 500 });
    }
  },

  /** Removes what has expired, and has turns taken over that nobody makes, as often as `wrangler.toml` says. */
  async scheduled(_event: unknown, bindings: Bindings): Promise<void> {
    const { handler } = await opened(bindings);
    // None waits for another to succeed; what waits for receivers comes last.
    const work = { resume: handler.resume, sweep: () => handler.sweep(SLICES), deliver: handler.deliver };
    for (const [name, does] of Object.entries(work)) {
      await does().catch((error) => log.error(`cannot ${name}`, { error: describe(error) }));
    }
  },
};

/**
 * Makes one background turn: an alarm may run for as long as it takes, where a request ends with its reply, and the
 * platform repeats one whose machine has failed.
 */
export class BackgroundTurn {
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
    const { handler, work } = await opened(this.#bindings);
    if (!job) {
      const next = await handler.deliver();
      if (next !== undefined) await storage.setAlarm(next);
    } else if (await work(job, this.#stopping.signal)) {
      await storage.deleteAll();
      const { TURNS } = this.#bindings;
      await TURNS.get(TURNS.idFromName('webhooks')).fetch('https://turn/', { method: 'POST' });
    } else await storage.setAlarm(Date.now() + AGAIN);
  }
}

/** Answers with a WebSocket; the request lasts as long as it is open. */
function upgrade(serve: (socket: Socket) => Promise<void>, headers: Record<string, string>): Response {
  const { 0: webSocket, 1: ours } = new WebSocketPair();
  ours.accept();
  void serve(standardSocket(ours));
  // The member is the platform's own.
  return new Response(null, { status: 101, headers, webSocket } as ResponseInit);
}

/** Has every background turn made by a Durable Object of its own. */
function objectRunner(turns: ObjectNamespace): Runner {
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

async function open(bindings: Bindings): Promise<{ handler: Handler; work: Work }> {
  configureLog(bindings.LOG_LEVEL ?? 'info', (line) => console.log(line.trimEnd()));
  const given = substitute(JSON.parse(bindings.ANTIPHON_CONFIG ?? '{}'), { ...bindings });
  const config = parseConfig(given, { inFlight: IN_FLIGHT });
  if (config.database) throw new Error('configuration: database: on Workers it is the binding DB');
  if (config.proof || config.tls.grpc || config.tls.http)
    throw new Error('configuration: tls and proof: on Workers it is the platform that listens');
  const database = d1Database(bindings.DB);
  await migrate(database);
  let work: Work | undefined;
  const handler = createHandler({
    config: { ...config, models: config.models ?? environmentModels({ ...bindings }) },
    transport: fetchTransport(fetch),
    database,
    oneClock: true,
    codecs: { gzip: gzipCodec, deflate: deflateCodec, br: nodeBrotliCodec(zlib), zstd: zstdCodec(zlib) },
    runner: (does) => {
      work = does;
      return objectRunner(bindings.TURNS);
    },
  });
  if (!work) throw new Error('the handler has no background work');
  return { handler, work };
}
