import type { Attributes, Context, Tracer } from '@opentelemetry/api';
import type { Usage } from '../protocol/response.ts';
import { type Instruments, modelLabel } from './instruments.ts';
import { genAI, stable } from './names.ts';

/** The model that is called. */
export interface ModelTarget {
  /** The pattern of its entry in the configuration. */
  match: string;
  /** In the words of the GenAI conventions. */
  provider: string;
  /** Host and port of its server; null for one inside this process. */
  host: string | null;
}

/** What tells of calls of models. */
export interface CallTelemetry {
  tracer: Tracer | undefined;
  instruments: Instruments | undefined;
  parent: Context;
  target: ModelTarget;
}

/** A call of a model that has ended. */
export interface EndedCall {
  operation: string;
  model: string;
  /** When it began and when its first word came, by `performance.now()`. */
  begun: number;
  first: number | undefined;
  usage: Usage | null | undefined;
  error: string | undefined;
}

/** Measures a call of a model. */
export function measureCall(
  { operation, model, begun, first, usage, error }: EndedCall,
  { instruments, target }: Pick<CallTelemetry, 'instruments' | 'target'>,
): void {
  if (!instruments) return;
  const { histograms, counters } = instruments;
  const labels = {
    [genAI.operation]: operation,
    [genAI.provider]: target.provider,
    [genAI.requestModel]: modelLabel(instruments, model, target.match, error !== undefined),
    ...(target.host !== null && { [stable.serverAddress]: target.host }),
  };
  histograms.callDuration.record((performance.now() - begun) / 1000, {
    ...labels,
    ...(error !== undefined && { [stable.errorType]: error }),
  });
  if (first !== undefined) histograms.callFirstChunk.record((first - begun) / 1000, labels);
  if (!usage) return;
  const { cached_tokens, cache_write_tokens } = usage.input_tokens_details;
  histograms.callInputTokens.record(usage.input_tokens, labels);
  histograms.callOutputTokens.record(usage.output_tokens, labels);
  counters.inputTokens.add(usage.input_tokens, labels);
  counters.outputTokens.add(usage.output_tokens, labels);
  counters.cacheReadTokens.add(cached_tokens, labels); // 0 as well: a share of none is 0, and not unknown
  counters.cacheWriteTokens.add(cache_write_tokens, labels);
  counters.reasoningTokens.add(usage.output_tokens_details.reasoning_tokens, labels);
}

/** The usage of a call, as attributes. */
export function usageAttributes(usage: Usage): Attributes {
  return {
    [genAI.inputTokens]: usage.input_tokens,
    [genAI.outputTokens]: usage.output_tokens,
    [genAI.cacheRead]: usage.input_tokens_details.cached_tokens,
    [genAI.cacheWrite]: usage.input_tokens_details.cache_write_tokens,
    [genAI.reasoningTokens]: usage.output_tokens_details.reasoning_tokens,
  };
}

/** Host and port of a server, as attributes. */
export function serverOf({ host }: ModelTarget): Attributes {
  const [, address, port] = /^(.*?)(?::(\d+))?$/.exec(host ?? '') ?? [];
  if (!address) return {};
  return { [stable.serverAddress]: address, ...(port && { [stable.serverPort]: Number(port) }) };
}
