import type { OutputItem } from '../items/item.ts';
import type { ResponseErrorCode } from './error-codes.ts';
import type { ReasoningEffort } from './reasoning.ts';
import type { CreateRequest } from './request.ts';
import type { FunctionTool, TextFormat, ToolChoice } from './tools.ts';

/** Where a response is in its life; the last four are final. */
export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled';

/** Why a response is `incomplete`. */
export type IncompleteReason = 'max_output_tokens' | 'max_messages' | 'content_filter';

/** How urgently a turn is served. */
export type ServiceTier = NonNullable<CreateRequest['service_tier']>;

/** What a response was to have kept of its request, with the defaults of the API. */
export interface AppliedCacheOptions {
  mode: 'implicit' | 'explicit';
  ttl: '30m' | '12h';
  comparison_response_id?: string;
}

/** Tokens of a turn, all its rounds together. */
export interface Usage {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number; cache_write_tokens: number };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
}

/** Tokens together, as far as numbers are exact: model servers say what they like. */
export function sumTokens(...counts: readonly number[]): number {
  return Math.min(
    counts.reduce((sum, count) => sum + count, 0),
    Number.MAX_SAFE_INTEGER,
  );
}

/** The usage of a turn that asked no model, or of one whose server does not count. */
export const NO_USAGE: Usage = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
};

/** A function as a response echoes it, with null for what every echo has and the request left out. */
export type EchoedFunction = Omit<FunctionTool, 'async' | 'defer_loading'> & {
  [Name in 'description' | 'parameters' | 'strict']-?: Exclude<FunctionTool[Name], undefined>;
} & { async?: boolean; defer_loading?: boolean };

/** A tool as a response echoes it: a function, or a server-side tool's own configuration. */
export type EchoedTool = EchoedFunction | { type: string; [key: string]: unknown };

/** The Response object of the API: every field that a client may read is there, null where it has no value. */
export interface Response {
  id: string;
  object: 'response';
  access_programs: null;
  created_at: number;
  completed_at: number | null;
  status: ResponseStatus;
  error: { code: ResponseErrorCode; message: string } | null;
  frequency_penalty: number;
  incomplete_details: { reason: IncompleteReason } | null;
  background: boolean;
  conversation: { id: string } | null;
  instructions: string | null;
  max_output_tokens: number | null;
  max_tool_calls: number | null;
  metadata: Record<string, string>;
  model: string;
  moderation: null;
  output: OutputItem[];
  parallel_tool_calls: boolean;
  presence_penalty: number;
  previous_response_id: string | null;
  prompt: NonNullable<CreateRequest['prompt']> | null;
  prompt_cache_key: string | null;
  prompt_cache_retention: 'in_memory' | '24h' | null;
  reasoning: {
    effort: ReasoningEffort | null;
    summary: 'auto' | 'concise' | 'detailed' | null;
    mode?: 'standard' | 'pro';
    /** Of which turns the model was given the reasoning: never `auto`, since this is what was done. */
    context: 'current_turn' | 'all_turns';
  };
  safety_identifier: string | null;
  service_tier: ServiceTier;
  store: boolean;
  temperature: number | null;
  text: { format: TextFormat; verbosity: 'low' | 'medium' | 'high' };
  tool_choice: ToolChoice;
  tools: EchoedTool[];
  top_logprobs: number;
  top_p: number | null;
  truncation: 'auto' | 'disabled';
  usage: Usage | null;
  prompt_cache_options?: AppliedCacheOptions;
  user?: string;
}
