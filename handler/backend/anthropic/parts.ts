import { fromBase64 } from '../../base64.ts';
import { unsupported } from '../../errors.ts';
import type { Message } from '../../items/message.ts';
import type { InputFile, InputImage, InputPart } from '../../protocol/content.ts';

/** A cache breakpoint of the Messages API: the request is cached up to this block. */
export type CacheControl = { type: 'ephemeral'; ttl?: '1h' };

/** Where an image or a document comes from. */
type Source =
  | { type: 'url'; url: string }
  | { type: 'base64'; media_type: string; data: string }
  | { type: 'text'; media_type: 'text/plain'; data: string };

/** A content block of people and tools in the Messages API. */
export type ContentBlock = (
  | { type: 'text'; text: string }
  | { type: 'image'; source: Source }
  | { type: 'document'; source: Source; title?: string }
) & { cache_control?: CacheControl };

/** A block the client marked as a cache breakpoint; `long` for the longer of the two TTLs. */
export interface CacheBreakpoint {
  block: ContentBlock;
  long: boolean;
}

/** The types of images that the API takes. */
const IMAGES = /^image\/(jpeg|png|gif|webp)$/;

/** The types of files whose data is text. */
const TEXTS = /^(text\/|application\/(json|xml|yaml)$)/;

/**
 * A part as blocks: none for a blank text, which the API refuses. A cache breakpoint is added to `breakpoints`.
 * Throws an ApiError for an image or file type that the API does not accept.
 */
export function toBlocks(part: Message['content'][number] | InputPart, breakpoints: CacheBreakpoint[]): ContentBlock[] {
  const block = blockOf(part);
  if (block.type === 'text' && block.text.trim() === '') return [];
  const mark = 'prompt_cache_breakpoint' in part ? part.prompt_cache_breakpoint : null;
  if (mark) breakpoints.push({ block, long: mark.ttl != null });
  return [block];
}

function blockOf(part: Message['content'][number] | InputPart): ContentBlock {
  switch (part.type) {
    case 'input_image':
      return { type: 'image', source: imageOf(part) };
    case 'input_file':
      return { type: 'document', source: documentOf(part), ...(part.filename && { title: part.filename }) };
    case 'refusal':
      return { type: 'text', text: part.refusal };
    default:
      return { type: 'text', text: part.text };
  }
}

function imageOf({ image_url }: Pick<InputImage, 'image_url'>): Source {
  if (!image_url.startsWith('data:')) return { type: 'url', url: image_url };
  const { type: named, data } = dataOf(image_url);
  const type = named === 'image/jpg' ? 'image/jpeg' : named; // as many programs write it
  if (!IMAGES.test(type)) throw unreadable('an image that is no JPEG, PNG, GIF or WebP');
  return { type: 'base64', media_type: type, data };
}

function documentOf({ file_url, file_data }: InputFile): Source {
  if (file_url != null) return { type: 'url', url: file_url };
  const { type, data } = dataOf(file_data ?? '');
  if (type === 'application/pdf') return { type: 'base64', media_type: type, data };
  if (!TEXTS.test(type)) throw unreadable('a file that is neither PDF nor text');
  return { type: 'text', media_type: 'text/plain', data: textOf(data) };
}

/** The type and the base64 of a data URL. */
function dataOf(url: string): { type: string; data: string } {
  const comma = url.indexOf(',');
  const [type = '', ...parameters] = url.slice('data:'.length, Math.max(0, comma)).toLowerCase().split(';');
  if (comma < 0 || !url.startsWith('data:') || parameters.at(-1) !== 'base64')
    throw unreadable('data without its type');
  return { type, data: url.slice(comma + 1) };
}

function textOf(base64: string): string {
  try {
    return new TextDecoder().decode(fromBase64(base64));
  } catch {
    throw unreadable('data that is no base64');
  }
}

function unreadable(what: string) {
  return unsupported('input', `holds ${what}, which this model backend cannot read`);
}
