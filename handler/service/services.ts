import type { LogNotifier } from '../background/log-notifier.ts';
import type { Runner } from '../background/runner.ts';
import type { Identify } from '../caller.ts';
import type { Codecs } from '../codec/codec.ts';
import type { ErrorStyle } from '../errors.ts';
import type { CallerCount, FairQueue } from '../fair-queue.ts';
import type { Limits } from '../limits.ts';
import type { FindMedia } from '../media.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import type { Readiness } from '../readiness.ts';
import type { Models } from '../routing/models.ts';
import type { Seal } from '../seal.ts';
import type { SharedStore } from '../state/tenant-store.ts';
import type { Tokenizer } from '../turn/estimate.ts';
import type { PromptTemplate } from '../turn/prompt.ts';
import type { RunningTurns } from '../turn/running.ts';
import type { ServerTools } from '../turn/tools.ts';

/** What the process has once, for all requests; what one request has is its RequestContext. */
export interface Services {
  /** What stands before the paths of all routes. */
  basePath: string;
  models: Models;
  tools: ServerTools;
  limits: Limits;
  /** What the process may hold for all its callers. */
  memory: MemoryBudget;
  /** The places of turns that somebody waits for. */
  turns: FairQueue;
  /** The background turns of each caller that are being written down, and that the runner does not know yet. */
  beginning: CallerCount;
  /** The WebSockets of each caller. */
  sockets: CallerCount;
  /** Who sends a request. */
  identify: Identify;
  errors: ErrorStyle;
  /** Names by which clients may call this machine, beside addresses and localhost. */
  hosts: readonly string[];
  /** The origins whose pages may call us from a browser. */
  origins: readonly string[];
  codecs: Codecs;
  /** Loads what estimates tokens where a model's server does not count them. */
  tokenizer: (() => Promise<Tokenizer>) | undefined;
  prompts: readonly PromptTemplate[];
  /** Finds URLs of images and files that the configuration forbids. */
  findMedia: FindMedia;
  /** The Seal of a tenant. */
  seal: (tenant: string) => Seal;
  /** Where background turns run, and what tells those who read their events here that there are more. */
  runner: Runner;
  notifier: LogNotifier;
  /** What clients wait for here. */
  running: RunningTurns;
  readiness: Readiness;
  /** Asks the database for a sign of life, at most once an interval, and keeps what comes of it in `readiness`. */
  ping: () => Promise<void>;
  /** What all tenants' stores are opened from. */
  storage: SharedStore;
}
