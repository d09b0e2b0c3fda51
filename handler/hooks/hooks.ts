import type { Caller } from '../caller.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { CreateRequest } from '../protocol/request.ts';
import type { Response } from '../protocol/response.ts';

/** What a hook is told beside the request or the response. */
export interface HookContext {
  /** Who sent the request. */
  readonly caller: Caller;
  /** Aborts when `limits.hook` has passed: nobody waits for the hook from then on. */
  readonly signal: AbortSignal;
}

/** A request of another API that is passed on to a model's server as it is. */
export interface PassedOnRequest {
  /** Such as `/v1/embeddings`. */
  readonly path: string;
  readonly model: string;
  /** What it says; undefined for a form, whose bytes nobody reads. */
  readonly body: JsonObject | undefined;
}

/** Nothing, or another in its place. */
export type HookAnswer<T> = T | undefined | Promise<T | undefined>;

/**
 * What a program has to say to every turn. A hook that throws an ApiError refuses with it. Any other error, and a hook that takes longer than
 * `limits.hook`, is a 500 of which the log has the reason.
 */
export interface Hooks {
  /**
   * Sees a copy of each request before anything is done for it: creates over HTTP and WebSockets, chats and messages as the create that they
   * become, counts of tokens, compactions, and items that are put into a conversation, as the `input` of one without a model. What it
   * returns takes the place of the request, but for `stream`, `stream_options` and `background`.
   */
  before?(request: CreateRequest, context: HookContext): HookAnswer<CreateRequest>;
  /**
   * Sees a copy of each response before it is stored, its terminal event is sent, and webhooks are told; of one that has failed or was
   * cancelled, what had been made. Of what it returns `output` and `metadata` count. What was streamed stays as it is. A response that it
   * refuses fails, and has no output.
   */
  after?(response: Response, context: HookContext): HookAnswer<Response>;
  /**
   * Sees each request that is passed on as it is, and no reply to one. What it returns takes the place of its JSON, but for `model`. Without it,
   * where there is one of the others, no such request is passed on.
   */
  passOn?(request: PassedOnRequest, context: HookContext): HookAnswer<JsonObject>;
}
