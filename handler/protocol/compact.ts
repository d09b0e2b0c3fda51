import * as v from 'valibot';
import type { Item } from '../items/item.ts';
import { CreateRequest } from './request.ts';
import type { Usage } from './response.ts';

const { model, input, instructions, previous_response_id, prompt_cache_key, prompt_cache_options } =
  CreateRequest.entries;
const { prompt_cache_retention, service_tier, image, tools, parallel_tool_calls, reasoning } = CreateRequest.entries;

/**
 * The body of `POST /v1/responses/compact`; a null model means that of the previous response. The last three are in no type
 * of OpenAI's, but Codex 0.128 sends them: what stands in a conversation is read with the tools that it was had with.
 */
export const CompactRequest = v.object({
  model,
  input,
  instructions,
  previous_response_id,
  prompt_cache_key,
  prompt_cache_options,
  prompt_cache_retention,
  service_tier,
  image,
  tools,
  parallel_tool_calls,
  reasoning,
});
export type CompactRequest = v.InferOutput<typeof CompactRequest>;

/** What a conversation was compacted to: what the user said, then the item that stands for all of it. */
export interface CompactedResponse {
  id: string;
  object: 'response.compaction';
  created_at: number;
  output: Item[];
  usage: Usage;
}
