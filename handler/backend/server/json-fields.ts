import { log } from '../../log.ts';
import { Annotation, type Logprob } from '../../protocol/content.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { sumTokens, type Usage } from '../../protocol/response.ts';
import { check } from '../../validate.ts';

// Members of model servers' JSON, read one by one: a missing one, null or another type counts as absent.

/** A member that should be a text; empty where it is none. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A member that should be an index or a count: a safe integer, or 0. */
export function count(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER) : 0;
}

/** A member that should be an object; without members where it is none. */
export function object(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** A type or code for the log; undefined if there is none, or no plain name, since it may be user content. */
export function nameIn(value: unknown): string | undefined {
  return value != null && /^[\w.-]{1,64}$/.test(String(value)) ? String(value) : undefined;
}

/** The objects in what should be a list of them. */
export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** What OpenAI has for a token that is too unlikely to be told, and servers null or leave out; 0 would say that it was certain. */
const UNLIKELY = -9999;

/** The log probabilities of tokens; empty if absent or null. */
export function toLogprobs(tokens: unknown): Logprob[] {
  return objects(tokens).map((token) => ({
    ...toLogprob(token),
    top_logprobs: objects(token.top_logprobs).map(toLogprob),
  }));
}

function toLogprob({ token, logprob, bytes }: JsonObject) {
  const tokenText = text(token);
  const knownBytes = Array.isArray(bytes) ? bytes.filter((byte) => typeof byte === 'number') : undefined;
  return {
    token: tokenText,
    logprob: typeof logprob === 'number' ? logprob : UNLIKELY,
    bytes: knownBytes ?? [...new TextEncoder().encode(tokenText)],
  };
}

/** The valid citations of a list. */
export function toAnnotations(list: unknown): Annotation[] {
  return objects(list).flatMap((entry) => {
    try {
      return [check(Annotation, entry)];
    } catch {
      log.warn('a citation that is not valid was left out', { type: nameIn(entry.type) });
      return [];
    }
  });
}

type UsageReader = (usage: unknown) => Usage | null;

/**
 * Reads usage in tokens, of a server that calls what went in and what came out by these names; null where it has none. The
 * names are put together once, since every chunk is asked for its usage.
 */
export function usageReader(input: string, output: string): UsageReader {
  const [inputTokens, inputDetails] = [`${input}_tokens`, `${input}_tokens_details`];
  const [outputTokens, outputDetails] = [`${output}_tokens`, `${output}_tokens_details`];
  return (usage) => {
    if (!isObject(usage)) return null;
    const details = object(usage[inputDetails]);
    return toUsage({
      input: count(usage[inputTokens]),
      // DeepSeek and Moonshot have it outside the details.
      cached: count(details.cached_tokens) || count(usage.prompt_cache_hit_tokens) || count(usage.cached_tokens),
      cacheWrite: count(details.cache_write_tokens),
      output: count(usage[outputTokens]),
      reasoning: count(object(usage[outputDetails]).reasoning_tokens),
    });
  };
}

/** The same, of a server that may call them by the names of another API: then these count. */
export function eitherUsage(read: UsageReader, readOther: UsageReader): UsageReader {
  return (usage) => {
    const told = read(usage);
    return told && told.total_tokens === 0 ? readOther(usage) : told;
  };
}

/** The usage after a later one: a count of 0 takes back none that was told, since some servers end with zeros. */
export function laterUsage(before: Usage | null, usage: Usage | null): Usage | null {
  if (!before || !usage) return usage ?? before;
  return toUsage({
    input: usage.input_tokens || before.input_tokens,
    cached: usage.input_tokens_details.cached_tokens || before.input_tokens_details.cached_tokens,
    cacheWrite: usage.input_tokens_details.cache_write_tokens || before.input_tokens_details.cache_write_tokens,
    output: usage.output_tokens || before.output_tokens,
    reasoning: usage.output_tokens_details.reasoning_tokens || before.output_tokens_details.reasoning_tokens,
  });
}

function toUsage(counts: Record<'input' | 'cached' | 'cacheWrite' | 'output' | 'reasoning', number>): Usage {
  return {
    input_tokens: counts.input,
    input_tokens_details: { cached_tokens: counts.cached, cache_write_tokens: counts.cacheWrite },
    output_tokens: counts.output,
    output_tokens_details: { reasoning_tokens: counts.reasoning },
    total_tokens: sumTokens(counts.input, counts.output),
  };
}
