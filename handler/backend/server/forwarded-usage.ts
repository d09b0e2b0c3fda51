import { parseObject } from '../../parse-json.ts';
import type { Usage } from '../../protocol/response.ts';
import { count, eitherUsage, usageReader } from './json-fields.ts';

const read = eitherUsage(usageReader('prompt', 'completion'), usageReader('input', 'output'));

/** The usage in tokens that a JSON text says, by the names of any of OpenAI's APIs; null where it has none, as where seconds are counted. */
export function forwardedUsage(text: string): Usage | null {
  const said = parseObject(text);
  const usage = said ? read(said) : null;
  if (!usage || usage.total_tokens > 0) return usage;
  // Rerankers say how many there were, and nothing else.
  const total = count(said?.total_tokens);
  return total > 0 ? { ...usage, input_tokens: total, total_tokens: total } : null;
}
