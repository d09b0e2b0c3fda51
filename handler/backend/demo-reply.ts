import type { Usage } from '../protocol/response.ts';
import type { ForwardedPart } from './backend.ts';

/** A whole reply of the demo model, with its tokens. */
export function demoReply(bytes: Uint8Array, model: string, tokens: { input: number; output: number }): ForwardedPart {
  const media = 'application/json';
  return { type: 'part', media, isWhole: true, bytes, deltas: 0, served: model, finish: '', usage: demoUsage(tokens) };
}

/** What the demo model counts: words. */
export function demoUsage({ input, output }: { input: number; output: number }): Usage {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  };
}
