import { unsupported } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { JsonObject } from '../protocol/json.ts';
import { checkLengths } from './lengths.ts';

/**
 * Members of Chat Completions and of the Messages API, and what the Responses API has in their place; null for nothing. `stop` is
 * not among them, since real clients send it beside `input`: https://github.com/langchain-ai/langchain/pull/38336,
 * https://github.com/openJiuwen-ai/agent-core/issues/768.
 */
const FOREIGN = Object.entries<string | null>({
  messages: 'input',
  system: 'instructions',
  max_tokens: 'max_output_tokens',
  max_completion_tokens: 'max_output_tokens',
  response_format: 'text.format',
  reasoning_effort: 'reasoning.effort',
  functions: 'tools',
  function_call: 'tool_choice',
  n: null,
  seed: null,
});

/**
 * A body that is read as a create. Throws an ApiError, naming the field, for a member of another API, which would be dropped in
 * silence like any that is unknown, and where it has more items or tools than `limits` say.
 */
export function checkCreate(body: JsonObject, limits: Pick<Limits, 'items' | 'tools'>): JsonObject {
  for (const [name, place] of FOREIGN) {
    const value = body[name];
    if (value == null || (name === 'n' && value === 1)) continue; // one answer is what there is
    const why = place ? `the Responses API has ${place} in its place` : 'the Responses API has nothing in its place';
    throw unsupported(name, `is not supported; ${why}`);
  }
  return checkLengths(body, limits);
}
