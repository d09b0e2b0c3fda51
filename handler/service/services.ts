import type { SharedPlaces, TurnLimits } from '../allowances/port.ts';
import type { AttributeReader } from '../attributes.ts';
import type { Audit } from '../audit.ts';
import type { LogNotifier } from '../background/log-notifier.ts';
import type { Runner } from '../background/runner.ts';
import type { Identify, Isolation } from '../caller.ts';
import type { PlaceCount, Places } from '../caller-count.ts';
import type { Codecs } from '../codec/codec.ts';
import type { CostRules } from '../costs.ts';
import type { FindDocsScript } from '../docs-script.ts';
import type { ErrorSetting } from '../error-style.ts';
import type { FairQueue } from '../fair-queue.ts';
import type { Hooks } from '../hooks/hooks.ts';
import type { Limits } from '../limits.ts';
import type { FindMedia } from '../media.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import type { LimiterCharges } from '../rate-limiter.ts';
import type { Readiness } from '../readiness.ts';
import type { RequestValuesReader } from '../request-values.ts';
import type { Models } from '../routing/models.ts';
import type { Seal } from '../seal.ts';
import type { SharedStore } from '../state/tenant-store.ts';
import type { TelemetrySlot } from '../telemetry/telemetry.ts';
import type { Tokenizer } from '../turn/estimate.ts';
import type { PromptTemplate } from '../turn/prompt.ts';
import type { RunningTurns } from '../turn/running.ts';
import type { ServerTools } from '../turn/tools.ts';

/** What a tenant and each of its users may have at a time. */
export interface TenantPlaces {
  readonly limits?: { readonly [What in Places]?: number | undefined } | undefined;
  readonly perUser?: Pick<TenantPlaces, 'limits'> | undefined;
}

/** What belongs to the process, whatever its configuration: shared by all requests, and kept when it is reloaded. */
export interface ProcessServices {
  /** The prefix of all paths. */
  basePath: string;
  /** The memory budget of the process. */
  memory: MemoryBudget;
  /** The queue of turns that clients wait for. */
  turns: FairQueue;
  /** Background turns by caller that are being stored, before the runner knows them. */
  beginning: PlaceCount;
  /** WebSockets by caller. */
  sockets: PlaceCount;
  codecs: Codecs;
  /** Where the script of the page at `/docs` is. */
  docsScript: FindDocsScript;
  /** Loads the tokenizer for servers that do not count tokens. */
  tokenizer: (() => Promise<Tokenizer>) | undefined;
  /** Runs background turns; the notifier wakes readers of their events in this process. */
  runner: Runner;
  notifier: LogNotifier;
  /** Turns and streams that clients wait for. */
  running: RunningTurns;
  readiness: Readiness;
  /** What a program has to say to every turn. */
  hooks: Hooks;
  /** Takes what has to be accounted for, if anything does. */
  audit: Audit | undefined;
  /** Charges on their way to Envoy's rate limit service, if there is one. */
  limiterCharges: LimiterCharges | undefined;
  /** Where traces and metrics are told what happens, if they are. */
  telemetry: TelemetrySlot;
  /** Asks the database for a sign of life, at most once an interval, and keeps what comes of it in `readiness`. */
  ping: () => Promise<void>;
  /** The services by the newest configuration, for the next turn of a WebSocket. */
  newest: () => Services;
}

/** What is made of one configuration, and replaced whole when that is reloaded. */
export interface ConfiguredServices {
  /** Who sends a request. */
  identify: Identify;
  /** Whether callers have to show a credential. */
  needsCredential: boolean;
  isolation: Isolation;
  models: Models;
  tools: ServerTools;
  limits: Limits;
  /** Whether `/docs` and `/openapi.json` are there. */
  docs: boolean;
  errors: ErrorSetting;
  /** Names by which clients may call this machine, beside addresses and localhost. */
  hosts: readonly string[];
  /** The origins whose pages may call us from a browser. */
  origins: readonly string[];
  prompts: readonly PromptTemplate[];
  /** Reads the attributes of requests. */
  attributes: AttributeReader;
  /** Reads of requests what rules send on to model servers; undefined where none does. */
  requestValues: RequestValuesReader | undefined;
  /** Finds media URLs that the configuration forbids. */
  findMedia: FindMedia;
  costs: CostRules;
  /** What tenants may have, by their names. */
  tenants: Readonly<Record<string, TenantPlaces>>;
  /** What turns may use in windows of time; undefined where nothing can limit them so. */
  turnLimits: TurnLimits | undefined;
  /** What tenants and callers with limits have at a time, in all processes; undefined where nothing counts that. */
  places: SharedPlaces | undefined;
  /** The Seal of a tenant. */
  seal: (tenant: string) => Seal;
  /** The storage that all tenants' stores share. */
  storage: SharedStore;
}

/** The services of a request, the same from its beginning to its end. What it alone has is in RequestContext. */
export interface Services extends ProcessServices, ConfiguredServices {}
