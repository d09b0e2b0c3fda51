import { newId, timeOf } from '../ids.ts';
import type { EchoedTool, Response } from '../protocol/response.ts';
import { appliedOptions } from './cache-options.ts';
import type { History } from './history.ts';
import type { ResolvedRequest } from './request.ts';

/** The fields of a response that the plan decides. */
export interface PlannedFields {
  shared: Pick<Response, 'instructions' | 'tool_choice' | 'parallel_tool_calls' | 'max_output_tokens'>;
  reasoning: Response['reasoning'];
  text: { format: Response['text']['format']; verbosity: Response['text']['verbosity'] | null };
  tools: EchoedTool[];
}

/** The response of a turn as it begins, under a new id. */
export function newResponse(
  request: ResolvedRequest,
  history: History,
  { shared, reasoning, text, tools }: PlannedFields,
): Response {
  const cache = request.prompt_cache_options;
  const id = newId('resp');
  return {
    id,
    object: 'response',
    access_programs: null,
    created_at: Math.floor(timeOf(id) / 1000),
    completed_at: null,
    status: request.background ? 'queued' : 'in_progress',
    background: request.background ?? false,
    conversation: history.conversation && { id: history.conversation.id },
    error: null,
    frequency_penalty: request.frequency_penalty ?? 0,
    incomplete_details: null,
    ...shared,
    max_tool_calls: request.max_tool_calls ?? null,
    metadata: request.metadata ?? {},
    model: request.model,
    moderation: null,
    output: [],
    presence_penalty: request.presence_penalty ?? 0,
    previous_response_id: history.previous,
    prompt: request.prompt ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    prompt_cache_retention: request.prompt_cache_retention ?? null,
    reasoning,
    safety_identifier: request.safety_identifier ?? null,
    service_tier: request.service_tier ?? 'auto',
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: { format: text.format, verbosity: text.verbosity ?? 'medium' },
    tools,
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? 'disabled',
    usage: null,
    ...(cache && { prompt_cache_options: appliedOptions(cache) }),
    ...(request.user != null && { user: request.user }),
  };
}
