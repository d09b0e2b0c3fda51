import { withMediaRules } from './backend/media.ts';
import { LogNotifier } from './background/log-notifier.ts';
import { inProcessRunner, type Runner, type Work } from './background/runner.ts';
import { work } from './background/work.ts';
import { type Identify, identifyByAddress } from './caller.ts';
import type { Codecs } from './codec/codec.ts';
import { deflateCodec, gzipCodec } from './codec/inflate.ts';
import type { Config } from './config/index.ts';
import { ApiError } from './errors.ts';
import { CallerCount, FairQueue } from './fair-queue.ts';
import { createApp } from './http/app.ts';
import type { Ingress } from './ingress.ts';
import { fixedLimits } from './limits.ts';
import { log } from './log.ts';
import { startMaintenance } from './maintenance.ts';
import { mediaFinder } from './media.ts';
import { MemoryBudget } from './memory-budget.ts';
import { type AddedBackends, openModels } from './open-models.ts';
import { Readiness } from './readiness.ts';
import { keepSecret } from './redact.ts';
import { modelsOf } from './routing/models.ts';
import { sealWith } from './seal.ts';
import type { Database } from './state/database/database.ts';
import { HistoryCache } from './state/history-cache.ts';
import { waitingJobs } from './state/jobs.ts';
import { pinging } from './state/ping.ts';
import { ProcessLease } from './state/process-lease.ts';
import { sharedSecret } from './state/secret.ts';
import { withStorageErrors } from './state/storage.ts';
import { sweep } from './state/sweep.ts';
import type { Tool } from './tools/tool.ts';
import { fetchTransport, type Transport } from './transport.ts';
import type { Tokenizer } from './turn/estimate.ts';
import { RunningTurns } from './turn/running.ts';
import { openDeliverer } from './webhooks/deliver.ts';

export type { Backend, Finish, KeepAlive, ModelCall, PreparedCall, ServerProfile } from './backend/backend.ts';
export type { Job, Runner, Work } from './background/runner.ts';
export { type Caller, type Identify, networkOf } from './caller.ts';
export { type Brotli, brotliCodec } from './codec/brotli.ts';
export type { Codec, Codecs, Piece } from './codec/codec.ts';
export { deflateCodec, gzipCodec } from './codec/inflate.ts';
export { type NodeBrotli, nodeBrotliCodec } from './codec/node-brotli.ts';
export { type NodeZstd, zstdCodec } from './codec/zstd.ts';
export { demoModels, environmentModels } from './config/default-models.ts';
export { type Config, parseConfig, substitute } from './config/index.ts';
export type { AddedModel, BuiltInModel, ModelConfig } from './config/models.ts';
export { ApiError } from './errors.ts';
export { CallerCount } from './fair-queue.ts';
export type { Ingress } from './ingress.ts';
export { fixedLimits } from './limits.ts';
export { configureLog, describe, type Level, levelNames, lineOf, log } from './log.ts';
export { MemoryBudget } from './memory-budget.ts';
export type { AddedBackends, OpenBackend } from './open-models.ts';
export { Readiness, type UnreadyReason } from './readiness.ts';
export { redact } from './redact.ts';
export type { Socket } from './socket.ts';
export type { Database } from './state/database/database.ts';
export type { Tool } from './tools/tool.ts';
export { fetchTransport, type Transport, type Upstream } from './transport.ts';
export type { Tokenizer } from './turn/estimate.ts';
export { standardSocket } from './websocket/standard.ts';

/** What the handler is made from; a root opens and injects what differs between runtimes. */
export interface HandlerOptions {
  config: Config;
  /** The way to model servers. Default: the runtime's own `fetch`. */
  transport?: Transport;
  /** Backends in addition to those that are built in, by the name that `backend` in the configuration's `models` has for each. */
  backends?: AddedBackends;
  /** Where responses and conversations are kept; its schema is the newest (`migrate`). */
  database: Database;
  /** The content-encodings that a request's body may have; any other is a 415 that names these. Default: gzip and deflate. */
  codecs?: Codecs;
  /** Loads a tokenizer when it is first needed; without it tokens are estimated by their characters. */
  tokenizer?: (() => Promise<Tokenizer>) | undefined;
  /** Tells callers apart, so that none takes what others wait for. Default: by the address that the ingress knows. */
  identify?: Identify;
  /** A prefix before `/v1` in request paths, such as `/api`, unless a proxy strips it. Default: none. */
  basePath?: string;
  /** Tools this server runs. Default: none. */
  tools?: readonly Tool[];
  /**
   * Whether all processes share one wall clock that is never set, as on Workers. If not, each process measures silence
   * by its own monotonic clock.
   */
  oneClock?: boolean;
  /** Where background turns run. Default: in this process. */
  runner?: (work: Work) => Runner;
  /** Readiness reasons of the root; the handler adds its own. */
  readiness?: Readiness;
}

/** The Responses API. */
export interface Handler {
  /** Answers one request. It never throws and never rejects: whatever happens is a Response. */
  fetch(request: Request, ingress?: Ingress): Promise<Response>;
  /** Removes expired rows, in at most `slices` slices. Call it now and then, in every process. */
  sweep(slices?: number): Promise<void>;
  /**
   * Fails the turns of dead processes, and takes over those in the background. Call it several times within
   * `limits.lease`.
   */
  resume(): Promise<void>;
  /**
   * Delivers due webhooks, and returns when the next is due: milliseconds since 1970, undefined for none. Call it
   * then, or now and then; webhooks of responses that end here are delivered at once without it.
   */
  deliver(): Promise<number | undefined>;
  /**
   * Runs sweep, resume and deliver on timers until `close`, for a process that lasts. Other roots call the three
   * themselves.
   */
  maintain(): void;
  /** Background turns that run in this process now. */
  readonly backgroundTurns: number;
  /**
   * Waits at most `patience` milliseconds for background turns and `clientWork` (turns that clients wait for, unless
   * the root knows of more). Then it releases the remaining background turns, so that others take them over at once,
   * and fails all other turns. Resolves when everything is stored.
   */
  close(patience: number, clientWork?: Promise<unknown>): Promise<void>;
  /** The process's memory budget, for servers that hold bytes before a request gets here. */
  readonly memory: MemoryBudget;
}

/** Background turns taken over at a time. More than run at once, since the next look is a while away. */
const RESUME_BATCH = 500;

/** Puts the handler together. */
export function createHandler(options: HandlerOptions): Handler {
  const { config, transport = fetchTransport(fetch), tools = [] } = options;
  keepSecret(
    ...(config.models ?? []).map((model) => ('keys' in model ? textOf(model.keys.key) : model.key)),
    ...config.webhooks.flatMap(({ url, secret }) => [url, secret]),
    ...config.secrets.map(({ key }) => key),
    config.proof?.value,
  );
  const findMedia = mediaFinder(config.media);
  const database = withStorageErrors(options.database);
  const models = openModels(config, transport, options.backends).map((route) => ({
    ...route,
    backend: withMediaRules(route.backend, findMedia),
  }));
  const lease = new ProcessLease(config.limits.lease, options.oneClock);
  const notifier = new LogNotifier();
  const running = new RunningTurns();
  const memory = new MemoryBudget(config.limits.inFlight);
  const histories = new HistoryCache(memory);
  const { turns: places, perCaller } = config.limits;
  const turns = new FairQueue({ places, waiting: places, perCaller: perCaller.turns });
  const readiness = options.readiness ?? new Readiness();
  const services = {
    basePath: basePathOf(options),
    models: modelsOf(models),
    tools: {
      registered: new Map(tools.map((tool) => [tool.type, tool])),
      dropped: new Set(config.dropTools),
    },
    limits: config.limits,
    errors: config.errors,
    hosts: config.hosts,
    origins: config.cors.origins,
    codecs: options.codecs ?? { gzip: gzipCodec, deflate: deflateCodec },
    tokenizer: options.tokenizer,
    prompts: config.prompts,
    findMedia,
    seal: sealWith(config.secrets, sharedSecret(database)),
    notifier,
    running,
    readiness,
    ping: pinging(database, readiness),
    memory,
    turns,
    beginning: new CallerCount(),
    sockets: new CallerCount(perCaller.sockets),
    identify: options.identify ?? identifyByAddress,
    storage: {
      database,
      lease,
      lastWrite: { failed: false },
      histories,
      retention: config.retention,
      logRetention: config.logRetention,
      history: config.limits.history,
      stored: config.limits.stored,
      webhooks: config.webhooks,
    },
  };
  const open = options.runner ?? ((work) => inProcessRunner(work, config.limits.backgroundTurns));
  const deliver = openDeliverer({ database, transport, webhooks: config.webhooks });
  let backgroundTurns = 0;
  const runner = open(async (job, signal) => {
    backgroundTurns++;
    const ended = await work(services, job, signal);
    backgroundTurns--;
    if (ended) void deliver().catch(() => {}); // it is tried again with `deliver`
    return ended;
  });
  const app = createApp({ ...services, runner });
  let closing = false;
  let endMaintenance = () => {};
  const handler: Handler = {
    fetch: async (request, ingress = {}) => app.fetch(request, ingress),
    sweep(maxSlices) {
      histories.removeOld();
      return sweep(database, lease, Date.now(), { maxSlices, conversations: config.conversationRetention });
    },
    async resume() {
      if (closing) return;
      await lease.endTurnsOfDead(database);
      for (const job of await waitingJobs(database, RESUME_BATCH)) await runner.start(job);
    },
    deliver,
    maintain() {
      endMaintenance();
      const { sweep, resume, deliver } = handler;
      endMaintenance = startMaintenance({ sweep: () => sweep(), resume, deliver }, config.limits.lease);
    },
    memory,
    get backgroundTurns() {
      return backgroundTurns;
    },
    async close(patience, clientWork = running.idle()) {
      closing = true;
      const closed = runner.close(patience);
      await within(patience, Promise.all([closed, clientWork]));
      if (running.size > 0) log.warn('turns are ended, since the server stops', { turns: running.size });
      const stopping = new ApiError('stopping', 'The server is stopping; send the request again.');
      turns.close(stopping);
      running.stop(stopping);
      await within(fixedLimits.ending, Promise.all([closed, running.idle()]));
      endMaintenance();
      await lease.release(database).catch(() => {}); // else the lease will tell
    },
  };
  return handler;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function basePathOf({ basePath = '' }: HandlerOptions): string {
  if (/^(\/[\w.~-]+)*$/.test(basePath)) return basePath;
  throw new Error('createHandler: basePath must be like /api: a slash before each part, and none at the end');
}

/** Waits for some work, at most `patience` milliseconds. */
async function within(patience: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patience);
  await Promise.race([promise, work]);
  clearTimeout(timer);
}
