import type { OpenLimits } from './allowances/port.ts';
import type { Audit } from './audit.ts';
import type { Runner, Work } from './background/runner.ts';
import type { Identify } from './caller.ts';
import type { Codecs } from './codec/codec.ts';
import type { Config } from './config/index.ts';
import type { CompileCel } from './costs.ts';
import type { FindDocsScript } from './docs-script.ts';
import type { EgressConnect } from './egress/egress.ts';
import type { Hooks } from './hooks/hooks.ts';
import type { VerifyJwt } from './identity/jwt.ts';
import type { AddedBackends } from './open-models.ts';
import type { LimiterCharges } from './rate-limiter.ts';
import type { Readiness } from './readiness.ts';
import type { Database } from './state/database/database.ts';
import type { OpenEncryption } from './state/encryption.ts';
import type { TelemetrySlot } from './telemetry/telemetry.ts';
import type { ConfiguredFunction } from './tools/functions/configured-function.ts';
import type { OpenTools } from './tools/open-tools.ts';
import type { Tool } from './tools/tool.ts';
import type { Transport } from './transport.ts';
import type { Tokenizer } from './turn/estimate.ts';

/** What the handler is made from; a root opens and injects what differs between runtimes. */
export interface HandlerOptions {
  config: Config;
  /** The way to model servers. Default: the runtime's own `fetch`. */
  transport?: Transport;
  /**
   * How requests of tools leave, each checked before. Default: by the runtime's own `fetch`, whose platform then says which addresses may be
   * connected to.
   */
  egress?: EgressConnect;
  /** Backends in addition to those that are built in, by the name that `backend` in the configuration's `models` has for each. */
  backends?: AddedBackends;
  /** Where responses and conversations are kept; its schema is the newest (`migrate`). */
  database: Database;
  /** The content-encodings that a request's body may have; any other is a 415 that names these. Default: gzip and deflate. */
  codecs?: Codecs;
  /** Compiles the expressions of `costs`: from `antiphon/cel`, needed by configurations that have any. */
  compileCel?: CompileCel | undefined;
  /** Loads a tokenizer when it is first needed; without it tokens are estimated by their characters. */
  tokenizer?: (() => Promise<Tokenizer>) | undefined;
  /** Finds the script of the page at `/docs`. Default: there is none, and the page does without. */
  docsScript?: FindDocsScript;
  /** Tells callers apart, so that none takes what others wait for. Default: by the address that the ingress knows. */
  identify?: Identify;
  /** Checks the tokens of entries `jwt` of `auth`: from `antiphon/jwt`, needed by configurations that have any. */
  verifyJwt?: VerifyJwt | undefined;
  /**
   * Reads and writes what is encrypted in the database: from `antiphon/encryption`, needed by configurations with `encryptAtRest`, and
   * by those of databases that have something encrypted.
   */
  openEncryption?: OpenEncryption | undefined;
  /**
   * Counts what turns use of limits per minute and of budgets: from `antiphon/limits`, needed by configurations and keys that have any. With
   * it limits at a time are of all processes, else of each.
   */
  openLimits?: OpenLimits | undefined;
  /** A prefix before `/v1` in request paths, such as `/api`, unless a proxy strips it. Default: none. */
  basePath?: string;
  /** Sees every request before it is answered, and every response before it ends. Default: nothing does. */
  hooks?: Hooks;
  /** Functions this server runs, beside those of the configuration's `tools`. Default: none. */
  functions?: readonly ConfiguredFunction[];
  /** Tools this server runs. Default: none. */
  tools?: readonly Tool[];
  /** Open tools by the configuration, which this server runs too; of one type those in `tools` count. Default: none. */
  openTools?: readonly OpenTools[];
  /**
   * Whether all processes share one wall clock that is never set, as on Workers. If not, each process measures silence
   * by its own monotonic clock.
   */
  oneClock?: boolean;
  /** Where background turns run. Default: in this process. */
  runner?: (work: Work) => Runner;
  /** Readiness reasons of the root; the handler adds its own. */
  readiness?: Readiness;
  /** Takes the events of an audit log. Default: there is none. */
  audit?: Audit | undefined;
  /** Tells Envoy's rate limit service, for configurations that have `rateLimiter`. */
  limiterCharges?: LimiterCharges | undefined;
  /** Where traces and metrics are told what happens. Default: they are told nothing. */
  telemetry?: TelemetrySlot;
}
