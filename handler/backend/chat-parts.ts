import { unsupported } from '../errors.ts';
import type { InputImage, InputPart } from '../protocol/content.ts';
import type { Message } from '../protocol/items.ts';

/** A part of a chat message. */
export type Part =
  | { type: 'text'; text: string }
  | { type: 'image_url'; image_url: { url: string; detail?: string } }
  | { type: 'file'; file: { filename?: string; file_data: string } };

type ItemPart = Message['content'][number] | InputPart;

/** A part of an item as a part of a chat message; throws an ApiError for a file by URL, which none can hold. */
export function toPart(part: ItemPart): Part {
  if (part.type === 'input_image') return imagePart(part);
  if (part.type !== 'input_file') return { type: 'text', text: textOf(part) };
  const { file_data, filename } = part;
  if (file_data == null) throw unsupported('input', 'holds a file by its URL, which this model backend cannot read');
  return { type: 'file', file: { ...(filename != null && { filename }), file_data } };
}

/** An image as a part of a chat message. */
export function imagePart({ image_url: url, detail }: Pick<InputImage, 'image_url' | 'detail'>): Part {
  return { type: 'image_url', image_url: detail && detail !== 'auto' ? { url, detail } : { url } };
}

/** What a part says in words. */
export function textOf(part: ItemPart): string {
  if (part.type === 'refusal') return part.refusal;
  return 'text' in part ? part.text : '';
}

/** One text alone goes as a string: servers that know no parts are thus still served. */
export function simplest(parts: Part[]): string | Part[] {
  const [only] = parts;
  if (!only) return '';
  return parts.length === 1 && only.type === 'text' ? only.text : parts;
}
