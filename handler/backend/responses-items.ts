import { newId } from '../ids.ts';
import { log } from '../log.ts';
import {
  InputComputerCall,
  InputCustomCall,
  InputLocalShellCall,
  InputPatchCall,
  InputShellCall,
  InputToolSearchCall,
} from '../protocol/client-calls.ts';
import type { Logprob } from '../protocol/content.ts';
import { InputMcpCall, type OutputItem } from '../protocol/items.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { Usage } from '../protocol/response.ts';
import { check } from '../validate.ts';
import { garbled } from './failure.ts';
import { usableCallId } from './writer.ts';

// What other servers send, read and built anew, member by member.

const whole = {
  custom_tool_call: { prefix: 'ctc', schema: InputCustomCall },
  local_shell_call: { prefix: 'lsh', schema: InputLocalShellCall },
  shell_call: { prefix: 'sh', schema: InputShellCall },
  apply_patch_call: { prefix: 'apc', schema: InputPatchCall },
  computer_call: { prefix: 'cu', schema: InputComputerCall },
  tool_search_call: { prefix: 'tsc', schema: InputToolSearchCall },
  mcp_call: { prefix: 'mcp', schema: InputMcpCall },
} as const;

/** An item of a type that comes as a whole; undefined for a type that is not known, an ApiError for one that is wrong. */
export function toWholeItem(item: JsonObject): OutputItem | undefined {
  const { type } = item;
  if (typeof type !== 'string' || !isWhole(type)) return undefined;
  const { prefix, schema } = whole[type];
  const status = item.status === 'incomplete' ? 'incomplete' : 'completed';
  const call_id = item.call_id === null ? null : usableCallId(text(item.call_id));
  try {
    const known = present(check(schema, { ...item, id: newId(prefix), call_id, status }));
    if (known.type === 'shell_call') {
      known.action = { timeout_ms: null, max_output_length: null, ...present(known.action) };
      known.environment ??= null;
    }
    if (known.type === 'mcp_call') return { output: null, error: null, ...known } as OutputItem; // checked just above
    if (known.type === 'tool_search_call') known.call_id ??= null;
    return known as OutputItem; // what a client may replay of an item is the item, without the nulls
  } catch (cause) {
    throw garbled(cause);
  }
}

function isWhole(type: string): type is keyof typeof whole {
  return Object.hasOwn(whole, type);
}

/** The usage of a response, details that a server leaves out as 0; null where it has none. */
export function toUsage(usage: unknown): Usage | null {
  if (!isObject(usage)) return null;
  const input = isObject(usage.input_tokens_details) ? usage.input_tokens_details : {};
  const output = isObject(usage.output_tokens_details) ? usage.output_tokens_details : {};
  const input_tokens = count(usage.input_tokens);
  const output_tokens = count(usage.output_tokens);
  return {
    input_tokens,
    input_tokens_details: {
      cached_tokens: count(input.cached_tokens),
      cache_write_tokens: count(input.cache_write_tokens),
    },
    output_tokens,
    output_tokens_details: { reasoning_tokens: count(output.reasoning_tokens) },
    total_tokens: input_tokens + output_tokens,
  };
}

/** The log probabilities of a delta or a part; what is not there, or null, is none. */
export function toLogprobs(logprobs: unknown): Logprob[] {
  return objects(logprobs).map((token) => ({
    ...toLogprob(token),
    top_logprobs: objects(token.top_logprobs).map(toLogprob),
  }));
}

function toLogprob({ token, logprob, bytes }: JsonObject) {
  const known = text(token);
  const given = Array.isArray(bytes) ? bytes.filter((byte) => typeof byte === 'number') : undefined;
  return {
    token: known,
    logprob: typeof logprob === 'number' ? logprob : 0,
    bytes: given ?? [...new TextEncoder().encode(known)],
  };
}

/** What the parts of an item say, as one text. */
export function textOf(parts: unknown): string {
  return objects(parts).map(partText).join('');
}

function partText(part: JsonObject): string {
  return text(part.text) || text(part.refusal);
}

/** What the parts say after what was said already. What was said differently stands: it cannot be taken back. */
export function restOf(parts: unknown, said: string): { at: number; part: JsonObject; delta: string }[] {
  const whole = textOf(parts);
  if (!whole.startsWith(said)) {
    if (whole) log.warn('a model backend ended a text otherwise than its deltas had it');
    return [];
  }
  let skip = said.length;
  return objects(parts).map((part, at) => {
    const all = partText(part);
    const delta = all.slice(skip);
    skip = Math.max(0, skip - all.length);
    return { at, part, delta };
  });
}

/** The same of arguments; but a call with other arguments than the model gave is not to be made. */
export function restOfArguments(whole: string, said: string): string {
  if (whole.startsWith(said)) return whole.slice(said.length);
  if (whole === '' || sameJson(whole, said)) return '';
  throw garbled('a call that ends with other arguments than its deltas had');
}

function sameJson(a: string, b: string): boolean {
  try {
    return JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b));
  } catch {
    return false;
  }
}

/** The objects in what should be a list of them. */
export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** A member that should be a text; empty where it is none. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** A member that should be a place or an amount; 0 where it is none. */
export function count(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}

function present<T extends object>(members: T): T {
  // Only optional members are null.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value != null)) as T;
}
