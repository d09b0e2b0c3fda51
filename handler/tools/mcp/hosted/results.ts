import type { CodeOutput } from '../../../items/code-interpreter.ts';
import type { FoundFile } from '../../../items/file-search.ts';
import type { ImageGenerationCall } from '../../../items/image-generation.ts';
import type { McpBlock } from '../../../items/mcp-output.ts';
import { parseJson } from '../../../parse-json.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';

// What a tool of an MCP server has given, as the API's own items have it.

/** Sources and results that an item names. */
const MAX_NAMED = 50;

/** What a model reads of blocks: texts, and a word for each image. */
export function textOf(blocks: readonly McpBlock[]): string {
  return blocks
    .map(({ type, text, resource }) => {
      if (type === 'text') return `${text ?? ''}`;
      if (type === 'resource' && isObject(resource) && typeof resource.text === 'string') return resource.text;
      return type === 'image' ? '(An image, which the user sees.)' : `(A block of type ${type}, which is not shown.)`;
    })
    .join('\n');
}

/** The first image among blocks. */
export function imageIn(blocks: readonly McpBlock[]): { data: string; type: string } | undefined {
  for (const { type, data, mimeType } of blocks)
    if (type === 'image' && typeof data === 'string' && typeof mimeType === 'string') return { data, type: mimeType };
  return undefined;
}

/** The format of an image type, as items name it; undefined for one that they do not. */
export function formatOf(type: string): NonNullable<ImageGenerationCall['output_format']> | null {
  const formats = ['png', 'webp', 'jpeg', 'gif', 'svg'] as const;
  return formats.find((format) => type.startsWith(`image/${format}`)) ?? null;
}

/** Blocks as what code wrote and drew. */
export function outputsOf(blocks: readonly McpBlock[]): CodeOutput[] {
  return blocks.flatMap((block): CodeOutput[] => {
    const image = imageIn([block]);
    if (image) return [{ type: 'image', url: `data:${image.type};base64,${image.data}` }];
    const logs = textOf([block]);
    return logs === '' ? [] : [{ type: 'logs', logs }];
  });
}

/** The addresses in a text, each once. */
export function urlsIn(text: string): { type: 'url'; url: string }[] {
  const found = text.match(/https?:\/\/[^\s<>"'`)\]}]{1,2000}/g) ?? [];
  const urls = new Set(found.map((url) => url.replace(/[.,;:!?]+$/, '')).filter((url) => URL.canParse(url)));
  return [...urls].slice(0, MAX_NAMED).map((url) => ({ type: 'url', url }));
}

/** What was found in files: the JSON of a list, or of an object with one, else the whole text. */
export function filesIn(text: string): FoundFile[] {
  const value = parsed(text);
  const list = Array.isArray(value) ? value : isObject(value) ? (value.results ?? value.data) : undefined;
  if (!Array.isArray(list) || !list.every(isObject)) return text === '' ? [] : [{ text }];
  return list.slice(0, MAX_NAMED).map(fileOf);
}

function fileOf({ file_id, filename, score, text, content, attributes }: JsonObject): FoundFile {
  const words = typeof text === 'string' ? text : content;
  return {
    ...(typeof file_id === 'string' && { file_id }),
    ...(typeof filename === 'string' && { filename }),
    ...(typeof score === 'number' && { score }),
    ...(typeof words === 'string' && { text: words }),
    attributes: isObject(attributes) ? Object.fromEntries(Object.entries(attributes).filter(isAttribute)) : {},
  };
}

function isAttribute(entry: [string, unknown]): entry is [string, string | number | boolean] {
  return ['string', 'number', 'boolean'].includes(typeof entry[1]);
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
