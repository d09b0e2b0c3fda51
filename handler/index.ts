import { inProcessRunner, type Runner, type Work } from './background/runner.ts';
import { work } from './background/work.ts';
import type { Config } from './config/index.ts';
import { misconfigured } from './config/problems.ts';
import { configure } from './configured.ts';
import { ApiError } from './errors.ts';
import { createApp } from './http/app.ts';
import type { Ingress } from './ingress.ts';
import { fixedLimits } from './limits.ts';
import { log } from './log.ts';
import { SWEEP_MS, startMaintenance } from './maintenance.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { OpenedBackends } from './open-models.ts';
import type { HandlerOptions } from './options.ts';
import { openProcess } from './process.ts';
import type { Services } from './service/services.ts';
import { addUpCharges } from './state/charge-sums.ts';
import { leaveChores, takeChore } from './state/chores.ts';
import { countDeliveries } from './state/deliveries.ts';
import { waitingJobs } from './state/jobs.ts';
import { sweep } from './state/sweep.ts';
import { keyOfEachSecret } from './state/tenant-keys.ts';
import type { Gauges } from './telemetry/gauges.ts';
import { openDeliverer } from './webhooks/deliver.ts';

export type { Admission, LimitingConfig, OpenLimits, TurnLedger, TurnLimits } from './allowances/port.ts';
export type { Audit, AuditAction, AuditEvent } from './audit.ts';
export type { Backend, Finish, KeepAlive, ModelCall, PreparedCall, ServerProfile } from './backend/backend.ts';
export type { Job, Runner, Work } from './background/runner.ts';
export { type Caller, type Identify, networkOf } from './caller.ts';
export { CallerCount } from './caller-count.ts';
export { type Brotli, brotliCodec } from './codec/brotli.ts';
export type { Codec, Codecs, Piece } from './codec/codec.ts';
export { deflateCodec, gzipCodec } from './codec/inflate.ts';
export { type NodeBrotli, nodeBrotliCodec } from './codec/node-brotli.ts';
export { type NodeZstd, zstdCodec } from './codec/zstd.ts';
export type { AuthEntry } from './config/auth.ts';
export type { DatabaseUrls } from './config/database.ts';
export { demoModels, environmentModels } from './config/default-models.ts';
export { type Config, parseConfig, readConfig } from './config/index.ts';
export { type AddedModel, type BuiltInModel, type ModelConfig, serversOf } from './config/models.ts';
export { ConfigError, type ConfigProblem, misconfigured, sentenceOf } from './config/problems.ts';
export { readSecretFiles, type SecretFiles } from './config/secrets.ts';
export { substitute } from './config/substitute.ts';
export { checkAdded, keepSecrets } from './configured.ts';
export type { CompileCel } from './costs.ts';
export type { DocsScript, FindDocsScript } from './docs-script.ts';
export { ApiError } from './errors.ts';
export type { VerifyJwt } from './identity/jwt.ts';
export { newKey } from './identity/key.ts';
export type { Ingress } from './ingress.ts';
export { fixedLimits } from './limits.ts';
export { configureLog, describe, isLogged, type Level, levelNames, lineOf, log } from './log.ts';
export { MemoryBudget } from './memory-budget.ts';
export { didYouMean } from './nearest.ts';
export { openCosts } from './open-costs.ts';
export { type AddedBackends, deploymentAt, type OpenBackend, openModels, wordsIn } from './open-models.ts';
export type { HandlerOptions } from './options.ts';
export { matcher } from './pattern.ts';
export { programConfig } from './program/define-config.ts';
export type { Used } from './protocol/usage.ts';
export { usageGroupNames } from './protocol/usage.ts';
export type { LimiterSettings, RateLimiter } from './rate-limiter.ts';
export { Readiness, type UnreadyReason } from './readiness.ts';
export { keepSecret, redact } from './redact.ts';
export type { Socket } from './socket.ts';
export type { Database, Statement, Value } from './state/database/database.ts';
export type { Encryption, OpenCipher } from './state/encryption.ts';
export { exportTenant } from './state/export.ts';
export {
  createKey,
  insertKey,
  listKeys,
  markRevoked,
  replaceKey,
  revokeKey,
  rotateKey,
  type StoredKey,
} from './state/keys.ts';
export { ProcessLease } from './state/process-lease.ts';
export { dropTenantKeys, findTenantKeys, keyOfEachSecret } from './state/tenant-keys.ts';
export { measureTenants, removeTenant, type TenantSize } from './state/tenants.ts';
export { readUsage, tenantsWithUsage, type UsageGroup, type UsageSum, usageGroups } from './state/usage.ts';
export type { FlushedTelemetry } from './telemetry/flushed.ts';
export type { Gauges } from './telemetry/gauges.ts';
export type { Telemetry, TelemetrySlot } from './telemetry/telemetry.ts';
export type { OpenTools, ToolServices } from './tools/open-tools.ts';
export type { Tool } from './tools/tool.ts';
export { type TraceHeaders, traceHeaders } from './trace-headers.ts';
export {
  fetchTransport,
  type ServerConnection,
  type Transport,
  type TransportInit,
  type Upstream,
} from './transport.ts';
export type { Tokenizer } from './turn/estimate.ts';
export { standardSocket } from './websocket/standard.ts';

/** The Responses API. */
export interface Handler {
  /** Answers one request. It never throws and never rejects: whatever happens is a Response. */
  fetch(request: Request, ingress?: Ingress): Promise<Response>;
  /** Removes expired rows, in at most `slices` slices. Call it now and then. */
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
   * Runs resume and deliver on timers until `close`, for a process that lasts, and sweep, in four processes at most of all on a database. Other
   * roots call the three themselves.
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
  /**
   * Takes another configuration: requests from now on, the next turn of each WebSocket, and background turns that are claimed
   * from now on are of it; whatever is running ends as it began. Throws an Error that names the key, and changes nothing, for a
   * model that will not open, or a cost that will not compile. `limits.lease` stays as it was.
   */
  reload(config: Config): void;
  /**
   * Rejects with a ConfigError if the database has something encrypted that the secrets of a configuration, without one those of the
   * newest, do not open. Call it before requests come.
   */
  check(config?: Config): Promise<void>;
  /** What can be said of the process at this moment, for metrics; never rejects. */
  gauges(): Promise<Gauges>;
  /** The process's memory budget, for servers that hold bytes before a request gets here. */
  readonly memory: MemoryBudget;
}

/** As many processes sweep: more would be in each other's way, and one alone falls behind what a large database can take. */
const SWEEPS = ['sweep 1', 'sweep 2', 'sweep 3', 'sweep 4'];
/** How long one that has swept is one of those who do, in milliseconds: it sweeps twice as often. */
const SWEEPER_MS = 2 * SWEEP_MS;

/** Background turns taken over at a time. More than run at once, since the next look is a while away. */
const RESUME_BATCH = 500;

/** Puts the handler together. */
export function createHandler(options: HandlerOptions): Handler {
  const { backends: added, runner: open = inThisProcess(options) } = options;
  const shared = openProcess(options);
  const { turns, running, memory, readiness, limiterCharges } = shared.services;
  const { database, encryption, lease, histories } = shared.storage;
  const { deliver, setWebhooks } = openDeliverer({
    database,
    transport: shared.transport,
    telemetry: shared.services.telemetry,
  });
  const deliverNow = async () => {
    await deliver().catch(() => {}); // it is tried again with `deliver`
    await shared.services.telemetry.current?.flush?.();
  };
  let backgroundTurns = 0;
  const runner = open(async (job, signal) => {
    backgroundTurns++;
    const ended = await work(newest.services, job, signal);
    backgroundTurns--;
    if (ended) void deliverNow();
    return ended;
  });
  const configureWith = (config: Config, earlier?: OpenedBackends) => {
    const configured = configure(shared, config, added, earlier);
    const services: Services = {
      ...shared.services,
      ...configured.services,
      runner,
      newest: () => newest.services,
    };
    return { config, services, backends: configured.backends, app: createApp(services) };
  };
  let newest = configureWith(options.config);
  setWebhooks(options.config.webhooks);
  let closing = false;
  let endMaintenance = () => {};
  let counting: Promise<number | undefined> | undefined;
  /** Undefined where the database does not answer: metrics are needed most then. Asked once at a time, however often they are read. */
  const countWaiting = () => {
    counting ??= countDeliveries(database)
      .catch(() => undefined)
      .finally(() => {
        counting = undefined;
      });
    return within(fixedLimits.ping, counting);
  };
  const chargeLimiter = async () => {
    if (!limiterCharges) return;
    while (await addUpCharges(database, Date.now(), limiterCharges.take));
    await limiterCharges.send();
  };
  const handler: Handler = {
    fetch: async (request, ingress = {}) => newest.app.fetch(request, ingress),
    sweep(maxSlices) {
      histories.removeOld();
      const { conversationRetention: conversations } = newest.config;
      const { storedBytes } = newest.services.storage;
      return sweep(database, lease, Date.now(), { maxSlices, conversations, storedBytes, told: limiterCharges?.take });
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
      const charge = limiterCharges && chargeLimiter;
      endMaintenance = startMaintenance(
        {
          async sweep() {
            for (const chore of SWEEPS) if (await takeChore(database, chore, lease.id, SWEEPER_MS)) return sweep();
            histories.removeOld();
          },
          resume,
          deliver,
          charge,
          probe: async () => newest.services.models.probe?.(),
        },
        lease.duration,
      );
    },
    memory,
    async gauges() {
      const { webhooks } = newest.config;
      return {
        turns: { foreground: turns.counts, background: runner.counts?.() },
        memory: { reserved: memory.taken, limit: memory.limit },
        databaseSize: database.storage?.()?.bytes,
        ready: readiness.reasons.length === 0,
        webhooksWaiting: webhooks.length > 0 ? await countWaiting() : undefined,
      };
    },
    get backgroundTurns() {
      return backgroundTurns;
    },
    reload(config) {
      newest = configureWith(config, newest.backends);
      shared.setLimits(config.limits);
      encryption?.setSecrets(config.secrets);
      runner.setMaxJobs?.(config.limits.backgroundTurns);
      setWebhooks(config.webhooks);
    },
    async check({ secrets } = newest.config) {
      const keys = await keyOfEachSecret(database);
      if (keys.length === 0) return;
      if (!encryption) throw misconfigured('secrets', 'is needed: something in the database is encrypted');
      await encryption.check(keys, secrets);
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
      await shared.ledger?.close();
      await within(
        fixedLimits.ending,
        chargeLimiter().catch(() => {}),
      ); // else another process does
      limiterCharges?.close();
      await leaveChores(database, SWEEPS, lease.id).catch(() => {}); // others wait for its time then
      await lease.release(database).catch(() => {}); // else the lease will tell
    },
  };
  return handler;
}

/** The Runner of this process. */
function inThisProcess({ config }: HandlerOptions): (work: Work) => Runner {
  return (work) => inProcessRunner(work, config.limits.backgroundTurns);
}

/** What some work gives, or undefined after `patience` milliseconds. */
async function within<T>(patience: number, work: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, patience, undefined);
  const given = await Promise.race([promise, work]);
  clearTimeout(timer);
  return given;
}
