import { type McpBlock, outputText } from '../../items/mcp-output.ts';
import { isObject } from '../../protocol/json.ts';
import type { CallResult } from './session.ts';

/** A value whose texts went through a scrubber. */
export function scrubbed<T>(value: T, scrub: (text: string) => string): T {
  return withTexts(value, scrub) as T; // of the same shape
}

function withTexts(value: unknown, scrub: (text: string) => string): unknown {
  if (typeof value === 'string') return scrub(value);
  if (Array.isArray(value)) return value.map((one) => withTexts(one, scrub));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withTexts(member, scrub)]));
}

const encoder = new TextEncoder();

/** What a call has given, as the `output` of its item: of more than `max` bytes the texts alone, which can be cut. */
export function resultText({ blocks, structured }: CallResult, max: number): string {
  if (blocks.length === 0 && structured !== undefined) return JSON.stringify(structured);
  const text = outputText(blocks);
  return isWithin(text, max) ? text : outputText(asTexts(blocks));
}

/** The blocks of a failed call, of at most `max` bytes. */
export function resultBlocks({ blocks }: CallResult, max: number): McpBlock[] {
  if (isWithin(JSON.stringify(blocks), max)) return [...blocks];
  const text = outputText(asTexts(blocks));
  // A character takes six bytes of JSON at most.
  return [
    { type: 'text', text: `${text.slice(0, max / 6).toWellFormed()}\n(Cut: the text has ${text.length} characters.)` },
  ];
}

function isWithin(text: string, max: number): boolean {
  return text.length * 3 <= max || encoder.encode(text).length <= max;
}

/** Blocks as texts, and a word in the place of any other. */
function asTexts(blocks: readonly McpBlock[]): McpBlock[] {
  return blocks.map((block) =>
    block.type === 'text'
      ? block
      : { type: 'text', text: `(A block of type ${block.type} was left out: the result is too large.)` },
  );
}
