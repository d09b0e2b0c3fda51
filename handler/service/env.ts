import type { Runner } from '../background/runner.ts';
import type { Wakes } from '../background/wakes.ts';
import type { Caller, Identify } from '../caller.ts';
import type { Codecs } from '../codec/codec.ts';
import type { ErrorStyle } from '../errors.ts';
import type { CallerCount, FairQueue } from '../fair-queue.ts';
import type { Ingress } from '../ingress.ts';
import type { Limits } from '../limits.ts';
import type { FindMedia } from '../media.ts';
import type { MemoryBudget, Reservation } from '../memory-budget.ts';
import type { Readiness } from '../readiness.ts';
import type { Models } from '../routing/models.ts';
import type { Seal } from '../seal.ts';
import type { Scope, SharedScope } from '../state/scope.ts';
import type { Tokenizer } from '../turn/estimate.ts';
import type { PromptTemplate } from '../turn/prompt.ts';
import type { RunningTurns } from '../turn/running.ts';
import type { ServerTools } from '../turn/tools.ts';

/** What the routes work with. */
export interface Services {
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
  seal: Seal;
  /** Where background turns run, and what tells those who read their events here that there are more. */
  runner: Runner;
  wakes: Wakes;
  /** What clients wait for here. */
  running: RunningTurns;
  readiness: Readiness;
  /** Who sends the request. */
  caller: Caller;
  /** Where the client's things are kept. */
  scope: Scope;
}

/** What all requests have in common of it. */
export type SharedServices = Omit<Services, 'scope' | 'caller'> & { scope: SharedScope };

/** What one request of a caller's works with, whose memory is taken from `memory`. */
export function servicesFor(shared: SharedServices, caller: Caller, memory: Reservation): Services {
  return { ...shared, caller, scope: { ...shared.scope, memory } };
}

/** What a request's log line will say, filled in on the way; `end` writes it, once, when the reply has ended. */
export interface Entry {
  readonly requestId: string;
  model: string | null;
  /** The id of the response that was made. */
  response: string | null;
  streaming: boolean;
  /** The status that was sent, where the reply does not have it. */
  status: number | null;
  /** What made a streamed reply fail, whose status was sent long before. */
  failure: unknown;
  end(): void;
}

/** Hono's types for our context. */
export interface Env {
  Bindings: Ingress;
  /** `memory` is what the request has taken of the process's; it is given back when its line is written. */
  Variables: { entry: Entry; memory: Reservation };
}
