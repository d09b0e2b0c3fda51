import type { JsonObject } from '../../protocol/json.ts';
import { sumTokens, type Usage } from '../../protocol/response.ts';
import type { Finish } from '../backend.ts';
import { count, object, text } from '../server/json-fields.ts';

// What events of the Messages API say, whatever came before.

/** Its tiers, as the API names them. */
const TIERS = new Map<string, Finish['tier']>([
  ['standard', 'default'],
  ['priority', 'priority'],
]);

/** The tier in usage. */
export function toTier(usage: JsonObject): Finish['tier'] {
  return TIERS.get(text(usage.service_tier));
}

/** Whether an event is of a block other than a call: while a call is incomplete, it waits. */
export function isBesideCalls({ type, content_block, delta }: JsonObject): boolean {
  if (type === 'content_block_start') return object(content_block).type !== 'tool_use';
  return type === 'content_block_delta' && object(delta).type !== 'input_json_delta' && !object(delta).partial_json;
}

/** Whether a block of this type is what the model says or thinks, in the words of some server. */
export function isSpoken(type: string): boolean {
  return /^(|(output_)?text|thinking|reasoning(_text)?|thought|refusal)$/.test(type);
}

/** Usage as the Responses API has it: here input tokens exclude cache reads and writes. */
export function toUsage(usage: JsonObject): Usage | null {
  if (Object.keys(usage).length === 0) return null;
  const cached_tokens = count(usage.cache_read_input_tokens);
  const cache_write_tokens = count(usage.cache_creation_input_tokens);
  // Under Chat Completions' names what was cached is among them.
  const cached = usage.input_tokens === undefined ? 0 : sumTokens(cached_tokens, cache_write_tokens);
  const input_tokens = sumTokens(count(usage.input_tokens ?? usage.prompt_tokens), cached);
  const output_tokens = count(usage.output_tokens ?? usage.completion_tokens);
  return {
    input_tokens,
    input_tokens_details: { cached_tokens, cache_write_tokens },
    output_tokens,
    output_tokens_details: { reasoning_tokens: count(object(usage.output_tokens_details).thinking_tokens) },
    total_tokens: sumTokens(input_tokens, output_tokens),
  };
}
