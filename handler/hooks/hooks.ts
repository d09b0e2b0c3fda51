import type { Caller } from '../caller.ts';
import type { CreateRequest } from '../protocol/request.ts';
import type { Response } from '../protocol/response.ts';

/** What a hook is told beside the request or the response. */
export interface HookContext {
  /** Who sent the request. */
  readonly caller: Caller;
  /** Aborts when `limits.hook` has passed: nobody waits for the hook from then on. */
  readonly signal: AbortSignal;
}

/** Nothing, or another in its place. */
export type HookAnswer<T> = T | undefined | Promise<T | undefined>;

/**
 * What a program has to say to every turn. A hook that throws an ApiError refuses with it. Any other error, and a hook that takes longer than
 * `limits.hook`, is a 500 of which the log has the reason.
 */
export interface Hooks {
  /**
   * Sees a copy of each request before anything is done for it: creates over HTTP and WebSockets, chats and messages that are translated to
   * one, counts of tokens, and compactions. What it returns takes the place of the request, but for `stream`, `stream_options` and
   * `background`.
   */
  before?(request: CreateRequest, context: HookContext): HookAnswer<CreateRequest>;
  /**
   * Sees a copy of each response that is completed or incomplete, before it is stored, its terminal event is sent, and webhooks are told. Of what
   * it returns `output` and `metadata` count. What was streamed stays as it is. A response that it refuses fails, and has no output.
   */
  after?(response: Response, context: HookContext): HookAnswer<Response>;
}
