import type { ItemEvent } from '../events/events.ts';
import type { Item } from '../items/item.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { IncompleteReason, Usage } from '../protocol/response.ts';
import type { ClientTool, TextFormat, ToolChoice } from '../protocol/tools.ts';

/** One call of the model, in the API's own terms; null means "the backend's default". */
export interface ModelCall {
  model: string;
  instructions: string | null;
  input: readonly Item[];
  tools: readonly ClientTool[];
  /** Where the request names each tool, for errors; a tool of an earlier turn has no place. */
  params: ReadonlyMap<ClientTool, string>;
  tool_choice: ToolChoice;
  parallel_tool_calls: boolean;
  temperature: number | null;
  top_p: number | null;
  max_output_tokens: number | null;
  text: { format: TextFormat; verbosity: string | null };
  /** Alternatives to each token that are wanted with its log probability; null for no log probabilities. */
  top_logprobs: number | null;
  reasoning: { effort: string | null; summary: string | null; mode?: 'pro' };
  /** Handed on as they are where the backend's protocol has them. */
  hints: {
    user: string | null;
    safety_identifier: string | null;
    prompt_cache_key: string | null;
    prompt_cache_options: JsonObject | null;
    prompt_cache_retention: string | null;
    service_tier: string | null;
  };
}

/** The end of a model call that came to its end: `stop` also when the model wants functions called. */
export interface Finish {
  type: 'finish';
  reason: 'stop' | IncompleteReason;
  /** Null when the backend did not say. */
  usage: Usage | null;
}

/** A sign of life: bytes came that yield no event yet, a ping or part of a call that passes when it is whole. Resets the idle clock. */
export interface KeepAlive {
  type: 'keep_alive';
}

/** What a call of a model yields. */
export type BackendEvent = ItemEvent | KeepAlive | Finish;

/** What becomes of grammars, which no function can hold the model to: refused, or told to the model. */
export type Grammars = 'refuse' | 'describe';

/** What is known of a model's server: a backend decides by it what it sends, and what it refuses. */
export interface ServerProfile {
  /** Whether it is OpenAI's own, which refuses what it does not know where others ignore it. */
  isOpenAI: boolean;
  grammars: Grammars;
}

/** A call in its server's own terms: nothing has been sent. */
export interface PreparedCall {
  /**
   * Calls the model: sends the request at the first pull. Yields whole items one after another, `output_index` from 0,
   * unnumbered, and a KeepAlive for what makes no event yet; then exactly one Finish. Throws an ApiError when the call
   * fails; ends promptly once the signal aborts.
   */
  stream(signal: AbortSignal): AsyncIterable<BackendEvent>;
  /**
   * The input tokens of the same request, as its server counts them; undefined where it does not say. Rejects with an
   * ApiError for an unknown model and for refused credentials. A `personality` stands for instructions of OpenAI's own,
   * and is nothing to any other server.
   */
  countTokens?(signal: AbortSignal, personality?: string | null): Promise<number | undefined>;
}

/** Prepares a call of a model, whichever server has it; throws an ApiError for what that cannot carry. */
export type Prepare = (call: ModelCall) => PreparedCall;

/** A protocol in which models are called. */
export interface Backend {
  /**
   * Translates a call for a server of this profile, so that what is prepared need not. Throws an ApiError that names the
   * field for what it cannot carry; what it takes it carries.
   */
  prepare(call: ModelCall, profile: ServerProfile): PreparedCall;
  /** The ids of the models it offers; rejects when it cannot say. */
  models(signal: AbortSignal): Promise<readonly string[]>;
}
