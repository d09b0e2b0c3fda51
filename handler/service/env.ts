import type { Runner } from '../background/runner.ts';
import type { Wakes } from '../background/wakes.ts';
import type { Caller, Identify } from '../caller.ts';
import type { Codecs } from '../codec/codec.ts';
import type { ErrorStyle } from '../errors.ts';
import type { CallerCount, FairQueue } from '../fair-queue.ts';
import type { Limits } from '../limits.ts';
import type { FindMedia } from '../media.ts';
import type { MemoryBudget, Reservation } from '../memory-budget.ts';
import type { Readiness } from '../readiness.ts';
import type { Models } from '../routing/models.ts';
import type { Seal } from '../seal.ts';
import type { Socket } from '../socket.ts';
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

/** How a request came in. */
export interface Door {
  /** The door's name, for the log. */
  readonly name?: string;
  /**
   * Whether a web page can reach it by DNS rebinding, as it can whatever listens on the loopback: then Host and Origin are
   * checked. A proxy of somebody else's before it has names of its own.
   */
  readonly rebindable?: boolean;
  /**
   * Answers a request that wants a WebSocket with one; `serve` gets it when it is open, and never rejects. `headers` go out
   * with the answer. Absent where there can be none.
   */
  upgrade?(serve: (socket: Socket) => Promise<void>, headers: Record<string, string>): Response;
  /** Asks a runtime that ends with its request to wait for something beyond it. */
  waitUntil?(work: Promise<unknown>): void;
  /**
   * The address that the client calls from, as the door knows it, with or without a port: never from a header that the client
   * can write.
   */
  readonly peer?: string | undefined;
  /** Calls `then` once, when the reply has been read, or nobody is left to read it. Absent where the runtime does not tell. */
  ended?(then: () => void): void;
}

/** Hono's types for our context. */
export interface Env {
  Bindings: Door;
  /** `memory` is what the request has taken of the process's; it is given back when its line is written. */
  Variables: { entry: Entry; memory: Reservation };
}
