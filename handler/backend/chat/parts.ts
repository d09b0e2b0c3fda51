import type { Message } from '../../items/message.ts';
import type { InputImage, InputPart, PromptCacheBreakpoint } from '../../protocol/content.ts';
import { fileByUrl, textOf } from '../functions/words.ts';

/** A part of a chat message. */
export type ChatPart =
  | ({ type: 'text'; text: string } & Marked)
  | ({ type: 'image_url'; image_url: { url: string; detail?: string } } & Marked)
  | ({ type: 'file'; file: { filename?: string; file_data: string } } & Marked);

/** A cache breakpoint on a part. Of Chat Completions servers only OpenAI's have it. */
type Marked = { prompt_cache_breakpoint?: PromptCacheBreakpoint };

type ItemPart = Message['content'][number] | InputPart;

/** A part of an item as a part of a chat message; throws an ApiError for a file by URL, which none can hold. */
export function toPart(part: ItemPart): ChatPart {
  if (part.type === 'input_image') return imagePart(part);
  if (part.type !== 'input_file') return textPart(part);
  const { file_data, filename } = part;
  if (file_data == null) throw fileByUrl();
  return { type: 'file', file: { ...(filename != null && { filename }), file_data }, ...markOf(part) };
}

/** The text of a part, as a part of a chat message. */
export function textPart(part: ItemPart): ChatPart {
  return { type: 'text', text: textOf(part), ...markOf(part) };
}

/** An image as a part of a chat message. */
function imagePart(image: Pick<InputImage, 'image_url' | 'detail' | 'prompt_cache_breakpoint'>): ChatPart {
  const { image_url: url, detail } = image;
  return { type: 'image_url', image_url: detail && detail !== 'auto' ? { url, detail } : { url }, ...markOf(image) };
}

function markOf(part: ItemPart | Pick<InputImage, 'prompt_cache_breakpoint'>): Marked {
  const mark = 'prompt_cache_breakpoint' in part ? part.prompt_cache_breakpoint : null;
  return mark ? { prompt_cache_breakpoint: mark } : {};
}

/** A single plain text becomes a string, for servers that do not know parts. */
export function simplifyParts(parts: ChatPart[]): string | ChatPart[] {
  const [only] = parts;
  if (!only) return '';
  return parts.length === 1 && only.type === 'text' && !isMarked(only) ? only.text : parts;
}

/** Whether a part is a cache breakpoint. */
export function isMarked(part: ChatPart): boolean {
  return part.prompt_cache_breakpoint !== undefined;
}
