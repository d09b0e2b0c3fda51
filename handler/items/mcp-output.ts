import { parseJson } from '../parse-json.ts';
import type { InputPart } from '../protocol/content.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';

// What an MCP server's tool gave, as the `output` of its call: its text, or, where it gave anything else, the JSON of its blocks.

/** A block of what a tool gave. */
export interface McpBlock extends JsonObject {
  type: string;
}

const BLOCKS = new Set(['text', 'image', 'audio', 'resource_link', 'resource']);

/** Image types that models read. */
const IMAGE = /^image\/(png|jpeg|gif|webp)$/;

/** The `output` of a call that gave these blocks. */
export function outputText(blocks: readonly JsonObject[]): string {
  const texts = blocks.map((block) =>
    block.type === 'text' && typeof block.text === 'string' ? block.text : undefined,
  );
  return texts.every((text) => text !== undefined) ? texts.join('\n') : JSON.stringify(blocks);
}

/** An `output` as a model reads it: images as images, and any other block in words. */
export function outputParts(output: string): string | InputPart[] {
  const blocks = blocksIn(output);
  if (!blocks) return output;
  const parts = blocks.map(partOf);
  const texts = parts.flatMap((part) => (part.type === 'input_text' ? part.text : []));
  return texts.length === parts.length ? texts.join('\n') : parts;
}

/** The blocks that an `output` stands for: a text is one. */
export function blocksOf(output: string): McpBlock[] {
  return blocksIn(output) ?? [{ type: 'text', text: output }];
}

/** The blocks that an `output` is the JSON of; undefined for a text. */
function blocksIn(output: string): McpBlock[] | undefined {
  if (!output.startsWith('[{')) return undefined;
  let value: unknown;
  try {
    value = parseJson(output);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || !value.every(isBlock)) return undefined;
  return value.some(({ type }) => type !== 'text') ? value : undefined;
}

function isBlock(value: unknown): value is McpBlock {
  return isObject(value) && typeof value.type === 'string' && BLOCKS.has(value.type);
}

function partOf(block: McpBlock): InputPart {
  const { type, text: own, data, mimeType, uri, name, description } = block;
  const mime = texts(mimeType)[0] ?? 'no type';
  if (type === 'text') return text(texts(own)[0] ?? '');
  if (type === 'image' && typeof data === 'string' && IMAGE.test(mime) && /^[\w+/]+={0,2}$/.test(data))
    return { type: 'input_image', image_url: `data:${mime};base64,${data}`, detail: 'auto' };
  if (type === 'resource_link') return text(`(A resource: ${texts(name, uri, mimeType, description).join(', ')})`);
  if (type === 'resource' && isObject(block.resource)) {
    const { uri: at, text: content } = block.resource;
    const head = texts(at).map((place) => `(The resource ${place})\n`)[0] ?? '';
    return text(typeof content === 'string' ? `${head}${content}` : `${head}(It is no text, and is not shown.)`);
  }
  return text(`(${type === 'audio' ? 'A sound' : 'Something'} of ${mime}, which is not shown)`);
}

function text(value: string): InputPart {
  return { type: 'input_text', text: value };
}

function texts(...values: unknown[]): string[] {
  return values.filter((value): value is string => typeof value === 'string' && value !== '');
}
