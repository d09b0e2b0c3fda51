import type { TurnLedger } from './allowances/port.ts';
import { LogNotifier } from './background/log-notifier.ts';
import type { Identify } from './caller.ts';
import { PlaceCount } from './caller-count.ts';
import { deflateCodec, gzipCodec } from './codec/inflate.ts';
import { misconfigured } from './config/problems.ts';
import type { CompileCel } from './costs.ts';
import type { EgressConnect } from './egress/egress.ts';
import { fetchConnect } from './egress/fetch-connect.ts';
import { FairQueue, type QueueLimits } from './fair-queue.ts';
import { type KeySource, openKeySource } from './identity/key-source.ts';
import type { IdentityServices } from './identity/open-identify.ts';
import { StoredKeys } from './identity/stored-keys.ts';
import type { Limits } from './limits.ts';
import { MemoryBudget } from './memory-budget.ts';
import type { HandlerOptions } from './options.ts';
import type { LimiterCharges } from './rate-limiter.ts';
import { Readiness } from './readiness.ts';
import { ConfiguredSecrets } from './redact.ts';
import type { SharedSecret } from './seal.ts';
import type { ProcessServices } from './service/services.ts';
import type { Database } from './state/database/database.ts';
import type { Encryption } from './state/encryption.ts';
import { HistoryCache } from './state/history-cache.ts';
import { findKey } from './state/keys.ts';
import { pinging } from './state/ping.ts';
import { ProcessLease } from './state/process-lease.ts';
import { sharedSecret } from './state/secret.ts';
import { withStorageErrors } from './state/storage.ts';
import type { SharedStore } from './state/tenant-store.ts';
import { withMeasuredBatches } from './telemetry/telemetry.ts';
import type { ConfiguredFunction } from './tools/functions/configured-function.ts';
import type { OpenTools } from './tools/open-tools.ts';
import type { Tool } from './tools/tool.ts';
import { fetchTransport, type Transport } from './transport.ts';
import { RunningTurns } from './turn/running.ts';

/** All that a process has once, and keeps when its configuration is reloaded. */
export interface Shared {
  /** The runner is opened by whoever knows the newest configuration. */
  services: Omit<ProcessServices, 'runner' | 'newest'>;
  storage: Pick<SharedStore, 'database' | 'encryption' | 'lease' | 'lastWrite' | 'histories'>;
  transport: Transport;
  /** How requests of tools leave. */
  egress: EgressConnect;
  compileCel: CompileCel | undefined;
  /** What is counted of limits that all processes share: it begins when it is first asked for. Absent where the root has not got it. */
  ledger: LazyLedger | undefined;
  /** The program's own way to identify callers. */
  identify: Identify | undefined;
  /** What the entries of `auth` need. */
  identity: IdentityServices;
  tools: readonly Tool[];
  openTools: readonly OpenTools[];
  /** Functions of the program. */
  functions: readonly ConfiguredFunction[];
  /** The sealing secret of the database. */
  secret: SharedSecret;
  /** What the log must not show. */
  secrets: ConfiguredSecrets;
  /** Changes the limits that are of the process: what is held and what waits stays. The lease keeps its duration. */
  setLimits(limits: Limits): void;
}

/** A ledger that is opened when it is first needed, and so by processes that limit nobody never. */
export interface LazyLedger extends Pick<TurnLedger, 'close'> {
  open(): TurnLedger;
}

/** Opens what belongs to the process; throws an Error that names a wrong option. */
export function openProcess(options: HandlerOptions): Shared {
  const {
    transport = fetchTransport(fetch),
    tools = [],
    functions = [],
    openTools = [],
    readiness = new Readiness(),
    telemetry,
  } = options;
  const { limits } = options.config;
  const stored = withStorageErrors(options.database);
  const measured = telemetry ? withMeasuredBatches(stored, telemetry) : stored;
  const memory = new MemoryBudget(limits.inFlight);
  const histories = new HistoryCache(memory);
  const encryption = encryptionOf(options, measured, histories);
  const database = encryption?.shared ?? measured;
  const turns = new FairQueue(queueOf(limits));
  const sockets = new PlaceCount('sockets', limits.perCaller.sockets);
  return {
    services: {
      basePath: basePathOf(options),
      codecs: options.codecs ?? { gzip: gzipCodec, deflate: deflateCodec },
      docsScript: options.docsScript ?? (async () => undefined),
      tokenizer: options.tokenizer,
      notifier: new LogNotifier(),
      running: new RunningTurns(),
      readiness,
      hooks: options.hooks ?? {},
      audit: options.audit,
      limiterCharges: limiterChargesOf(options),
      telemetry: telemetry ?? {},
      ping: pinging(database, readiness),
      memory,
      turns,
      beginning: new PlaceCount('backgroundTurns'),
      sockets,
    },
    storage: {
      database,
      encryption,
      lease: new ProcessLease(limits.lease, options.oneClock),
      lastWrite: { failed: false },
      histories,
    },
    transport,
    egress: options.egress ?? fetchConnect(fetch),
    compileCel: options.compileCel,
    ledger: ledgerOf(options, database),
    identify: options.identify,
    identity: {
      storedKeys: new StoredKeys((id) => findKey(database, id)),
      jwt: options.verifyJwt && { verify: options.verifyJwt, keySource: keySources(transport) },
    },
    tools,
    functions,
    openTools,
    secret: sharedSecret(database),
    secrets: new ConfiguredSecrets(),
    setLimits(limits) {
      memory.setLimit(limits.inFlight);
      turns.setLimits(queueOf(limits));
      sockets.setMax(limits.perCaller.sockets);
    },
  };
}

function ledgerOf({ openLimits, oneClock = false }: HandlerOptions, database: Database): LazyLedger | undefined {
  let ledger: TurnLedger | undefined;
  return (
    openLimits && {
      open() {
        ledger ??= openLimits(database, oneClock);
        return ledger;
      },
      close: async () => ledger?.close(),
    }
  );
}

/** Undefined where there are no secrets, since nothing can be encrypted then. Throws a ConfigError for a setting without its library. */
function encryptionOf(
  { config: { secrets, encryptAtRest }, openEncryption }: HandlerOptions,
  database: Database,
  histories: HistoryCache,
): Encryption | undefined {
  if (encryptAtRest && !openEncryption)
    throw misconfigured('encryptAtRest', 'needs the option `openEncryption`, which is in antiphon/encryption');
  if (secrets.length === 0) return undefined;
  const dropped = (tenant: string) => histories.deleteTenant(tenant);
  return openEncryption?.({ database, secrets, encrypts: encryptAtRest, dropped });
}

/** Throws a ConfigError for a service that nobody tells. */
function limiterChargesOf({ config, limiterCharges }: HandlerOptions): LimiterCharges | undefined {
  if (config.rateLimiter && !limiterCharges)
    throw misconfigured('rateLimiter', 'needs the option `limiterCharges` of the root, which the command has');
  return limiterCharges;
}

/** The keys of issuers by their URLs. They are kept for as long as the process lasts, so that a reload asks for none. */
function keySources(transport: Transport): (url: string) => KeySource {
  const sources = new Map<string, KeySource>();
  return (url) => {
    const source = sources.get(url) ?? openKeySource(url, transport);
    sources.set(url, source);
    return source;
  };
}

function queueOf({ turns: places, perCaller }: Limits): QueueLimits {
  return { places, waiting: places, perCaller: perCaller.turns };
}

function basePathOf({ basePath = '' }: HandlerOptions): string {
  if (/^(\/[\w.~-]+)*$/.test(basePath)) return basePath;
  throw new Error('createHandler: basePath must be like /api: a slash before each part, and none at the end');
}
