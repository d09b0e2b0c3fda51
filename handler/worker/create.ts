import * as zlib from 'node:zlib';
import { fetchConnect } from '../egress/fetch-connect.ts';
import {
  type Config,
  configureLog,
  createHandler,
  deflateCodec,
  describe,
  environmentModels,
  type FlushedTelemetry,
  fetchTransport,
  gzipCodec,
  type HandlerOptions,
  log,
  nodeBrotliCodec,
  readConfig,
  type Socket,
  standardSocket,
  type Work,
  zstdCodec,
} from '../index.ts';
import { d1Database } from '../state/database/d1.ts';
import { migrate } from '../state/database/schema.ts';
import {
  backgroundTurnClass,
  type ObjectClass,
  type OpenHandler,
  objectRunner,
  type Within,
} from './background-turn.ts';
import type { Bindings } from './bindings.ts';
import { invocationPlaces, withPlaces } from './invocation-places.ts';
import type { WorkerDatabase } from './worker-database.ts';

/** Options of a Worker beside its configuration. */
export type WorkerOptions = Pick<
  HandlerOptions,
  | 'tools'
  | 'openTools'
  | 'functions'
  | 'hooks'
  | 'backends'
  | 'identify'
  | 'basePath'
  | 'compileCel'
  | 'verifyJwt'
  | 'openEncryption'
  | 'openLimits'
  | 'audit'
> & {
  /** Opens traces and metrics by the bindings `OTEL_*`: `openOtlp` of `antiphon/telemetry`. Default: there are none. */
  telemetry?: OpenWorkerTelemetry | undefined;
  /** Where responses and conversations are: `hyperdrive()` of `antiphon/hyperdrive`. Default: D1 by the binding `DB`. */
  database?: WorkerDatabase | undefined;
};

/** Opens the traces and metrics of an isolate; throws an Error that names a wrong binding. */
export type OpenWorkerTelemetry = (
  bindings: Readonly<Record<string, unknown>>,
  options: Config['telemetry'],
) => FlushedTelemetry;

/** A Worker, by the members that the platform calls. */
export interface Worker {
  /** Answers one request; with a wrong configuration, with a 500 whose reason is in the log only. */
  fetch(request: Request, bindings: Bindings, context: Context): Promise<Response>;
  /** Sweeps, and resumes orphaned turns, as often as `wrangler.toml` says. */
  scheduled(event: unknown, bindings: Bindings): Promise<void>;
}

/** The part of the Workers' context that is used. */
export interface Context {
  waitUntil(work: Promise<unknown>): void;
}

/** The two ends of a WebSocket on Workers: the client's goes into the reply, ours has to be accepted. */
declare const WebSocketPair: new () => { 0: object; 1: Parameters<typeof standardSocket>[0] & { accept(): void } };

/** The default of `limits.inFlight`: half of what an isolate may use. */
const DEFAULT_IN_FLIGHT = 64 * 1024 * 1024;

/** Slices per sweep: the platform limits the queries of one call, and each slice makes about ten. */
const MAX_SLICES = 20;

/**
 * The root on Cloudflare Workers: `worker` is the default export of a module, `BackgroundTurn` the class of the binding
 * `TURNS`, exported by name. All requests of an isolate share one handler, and the first one migrates the schema.
 */
export function createWorker(options: WorkerOptions = {}): { worker: Worker; BackgroundTurn: ObjectClass } {
  const withDatabase: Within = options.database?.within ?? ((run) => run());
  const within: Within = (run) => withPlaces(() => withDatabase(run));
  let opening: Promise<OpenHandler> | undefined;
  async function openOnce(bindings: Bindings): Promise<OpenHandler> {
    opening ??= open(bindings, options);
    try {
      return await opening;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  const worker: Worker = {
    fetch: (request, bindings, context) => within(() => answer(request, bindings, context)),
    scheduled: (_event, bindings) => within(() => maintain(bindings)),
  };
  async function answer(request: Request, bindings: Bindings, context: Context): Promise<Response> {
    try {
      const opening = openOnce(bindings);
      context.waitUntil(opening.catch(() => {})); // others wait for it, even if this client leaves
      const { handler } = await opening;
      const waitUntil = (work: Promise<unknown>) => context.waitUntil(work);
      const peer = request.headers.get('cf-connecting-ip') ?? undefined; // Cloudflare sets it, whatever a client sends
      return handler.fetch(request, { name: 'workers', peer, waitUntil, upgrade });
    } catch (error) {
      log.error('cannot start', { error: describe(error) });
      const message = 'The server is not configured as it should be; its log says more.';
      return Response.json({ error: { message, type: 'server_error', code: 500, param: null } }, { status: 500 });
    }
  }
  async function maintain(bindings: Bindings): Promise<void> {
    const { handler, flush } = await openOnce(bindings);
    // One failure does not stop the others; delivering comes last, since it waits for receivers.
    const tasks = { resume: handler.resume, sweep: () => handler.sweep(MAX_SLICES), deliver: handler.deliver };
    for (const [name, run] of Object.entries(tasks)) {
      await run().catch((error) => log.error(`cannot ${name}`, { error: describe(error) }));
    }
    await flush();
  }
  return { worker, BackgroundTurn: backgroundTurnClass(openOnce, within) };
}

/** Upgrades to a WebSocket; the request lasts as long as it is open. */
function upgrade(serve: (socket: Socket) => Promise<void>, headers: Record<string, string>): Response {
  const { 0: webSocket, 1: server } = new WebSocketPair();
  server.accept();
  void serve(standardSocket(server));
  // webSocket is an extension of the platform.
  return new Response(null, { status: 101, headers, webSocket } as ResponseInit);
}

async function open(
  bindings: Bindings,
  { telemetry: openTelemetry, database: other, ...options }: WorkerOptions,
): Promise<OpenHandler> {
  configureLog(bindings.LOG_LEVEL ?? 'info', (line) => console.log(line.trimEnd()));
  const config = readConfig(JSON.parse(bindings.ANTIPHON_CONFIG ?? '{}'), {
    env: { ...bindings },
    defaults: { inFlight: DEFAULT_IN_FLIGHT },
    backends: Object.keys(options.backends ?? {}),
  });
  if (config.database)
    throw new Error('configuration: database: on Workers it is the binding DB, or the option database');
  if (config.proof || config.tls.grpc || config.tls.http)
    throw new Error('configuration: tls and proof: on Workers it is the platform that listens');
  if (config.processes > 1) throw new Error('configuration: processes: on Workers it is the platform that starts them');
  if (Array.isArray(config.auth) && config.auth.some(({ envoy }) => envoy))
    throw new Error('configuration: auth: envoy: on Workers no Envoy can show that it is yours');
  const telemetry = openTelemetry?.({ ...bindings }, config.telemetry);
  if (config.auth === undefined && !options.identify)
    throw new Error(
      'configuration: auth: anybody can reach a Worker: write none if that is meant, else a list of who may call',
    );
  if (config.audit !== 'off')
    throw new Error('configuration: audit: on Workers it is no place of the configuration: pass the option audit');
  const database = other ? other.open({ ...bindings }) : d1Database(bindings.DB ?? noDatabase());
  await migrate(database);
  let work: Work | undefined;
  const handler = createHandler({
    ...options,
    config: { ...config, models: config.models ?? environmentModels({ ...bindings }) },
    transport: fetchTransport(fetch),
    egress: fetchConnect(fetch, invocationPlaces),
    database,
    ...(telemetry && { telemetry }),
    oneClock: true,
    docsScript: async () => ((await hasDocsScript(bindings)) ? 'asset' : undefined),
    codecs: { gzip: gzipCodec, deflate: deflateCodec, br: nodeBrotliCodec(zlib), zstd: zstdCodec(zlib) },
    runner: (run) => {
      work = run;
      return objectRunner(bindings.TURNS);
    },
  });
  if (!work) throw new Error('the handler has no background work');
  await handler.check();
  telemetry?.observe(handler.gauges);
  return { handler, work, flush: async () => telemetry?.flush() };
}

function noDatabase(): never {
  throw new Error('there is no binding DB of D1, and the option database names no other');
}

/** Whether the deployment has the script of the page at `/docs`. The host of an asset's address means nothing. */
async function hasDocsScript({ ASSETS }: Bindings): Promise<boolean> {
  const reply = await ASSETS?.fetch(new Request('https://assets/docs/reference.js', { method: 'HEAD' }));
  return reply?.ok === true;
}
