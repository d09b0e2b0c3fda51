import type { ItemEvent } from '../events/events.ts';
import type { Item } from '../protocol/items.ts';
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

/** Says that the server goes on, though what it sent makes no event yet: part of a call that passes when it is whole, a ping. */
export interface Heard {
  type: 'heard';
}

/** What a Backend yields. */
export type BackendEvent = ItemEvent | Heard | Finish;

/** A server that runs models. */
export interface Backend {
  /**
   * Throws an ApiError at once for what this backend cannot carry; sends its request at the first pull. Yields whole
   * items one after another, `output_index` from 0, unnumbered, and a Heard for what makes no event yet; then exactly one
   * Finish. Throws an ApiError when the call fails; ends promptly once the signal aborts.
   */
  generate(call: ModelCall, signal: AbortSignal): AsyncIterable<BackendEvent>;
  /**
   * The input tokens of the request that `generate` would send, as its server counts them; undefined where it does not
   * say. Throws at once what `generate` does, and an ApiError for an unknown model and for refused credentials. A
   * `personality` stands for instructions of OpenAI's own, and is nothing to any other server.
   */
  countTokens?(call: ModelCall, signal: AbortSignal, personality?: string | null): Promise<number | undefined>;
  /** The ids of the models it offers; rejects when it cannot say. */
  models(signal: AbortSignal): Promise<readonly string[]>;
}
