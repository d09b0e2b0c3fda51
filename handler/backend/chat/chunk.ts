import { isObject, type JsonObject } from '../../protocol/json.ts';
import { object } from '../server/json-fields.ts';

// Where servers put what a chunk of a chat completion says.

/** Members in which servers send reasoning; some send the same in two. */
export const REASONING = ['reasoning_content', 'reasoning', 'reasoning_text', 'thinking', 'reasoning_details'] as const;

/** Those of the most common servers. */
export const COMMON: ReadonlySet<string> = new Set(['reasoning_content', 'reasoning']);

/** The members of chunks that are read. */
export const CHUNK: ReadonlySet<string> = new Set(['choices']);
/** Those of choices. */
export const CHOICE: ReadonlySet<string> = new Set(['delta', 'message', 'text']);
/** Those of deltas. */
export const DELTA: ReadonlySet<string> = new Set([
  ...['content', 'refusal', 'tool_calls', 'function_call', 'annotations'],
  ...REASONING,
]);

/** The reason in another place than the usual one, which is looked for where a chunk says nothing else. */
export function otherReason(chunk: JsonObject, choice: JsonObject): unknown {
  const places = [choice.finishReason, choice.stop_reason, object(choice.delta).finish_reason, chunk.finish_reason];
  return places.find((reason) => typeof reason === 'string');
}

/** A chunk that some servers wrap in another one. */
export function innerChunk({ data, output }: JsonObject): JsonObject | undefined {
  return [data, output].filter(isObject).find((part) => part.choices != null);
}

/** What is new in a message's text, after `before` from earlier messages: some servers repeat that in each. */
export function newIn(text: string, before: string): string {
  return before !== '' && text.startsWith(before) ? text.slice(before.length) : text;
}
