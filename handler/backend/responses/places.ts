import type { ItemVoice } from './texts.ts';

/** The item and the voice of a text, and the member that says which part of the item it is. */
type Place = readonly [kind: 'message' | 'reasoning', voice: ItemVoice, at: 'content_index' | 'summary_index'];

const ANSWER: Place = ['message', 'text', 'content_index'];
const REFUSAL: Place = ['message', 'refusal', 'content_index'];
const THOUGHT: Place = ['reasoning', 'reasoning', 'content_index'];
const SUMMARY: Place = ['reasoning', 'summary', 'summary_index'];

/** Those of the events with which a text ends. */
export const ENDS = {
  'response.output_text.done': ANSWER,
  'response.refusal.done': REFUSAL,
  'response.reasoning_text.done': THOUGHT,
  'response.reasoning_summary_text.done': SUMMARY,
} as const satisfies Record<string, Place>;

/** Those of the parts that have one. */
export const PARTS: Readonly<Record<string, Place | undefined>> = {
  output_text: ANSWER,
  text: ANSWER,
  refusal: REFUSAL,
  reasoning_text: THOUGHT,
};

/** That of a delta with a name of the server's own; undefined for a delta that is no text. */
export function ofOtherDelta(name: string): Place | undefined {
  if (/^response\.(.*\.)?(reasoning|thinking)(_content)?\.delta$/.test(name)) return THOUGHT;
  return /^response\.(.*\.)?(text|content|message)\.delta$/.test(name) ? ANSWER : undefined;
}
