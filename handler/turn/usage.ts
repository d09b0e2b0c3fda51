import { sumTokens, type Usage } from '../protocol/response.ts';

/** The usage of two model calls together; null if neither was counted. */
export function sumUsage(a: Usage | null, b: Usage | null): Usage | null {
  if (!a || !b) return a ?? b;
  return {
    input_tokens: sumTokens(a.input_tokens, b.input_tokens),
    input_tokens_details: {
      cached_tokens: sumTokens(a.input_tokens_details.cached_tokens, b.input_tokens_details.cached_tokens),
      cache_write_tokens: sumTokens(
        a.input_tokens_details.cache_write_tokens,
        b.input_tokens_details.cache_write_tokens,
      ),
    },
    output_tokens: sumTokens(a.output_tokens, b.output_tokens),
    output_tokens_details: {
      reasoning_tokens: sumTokens(a.output_tokens_details.reasoning_tokens, b.output_tokens_details.reasoning_tokens),
    },
    total_tokens: sumTokens(a.total_tokens, b.total_tokens),
  };
}
