import { type ApiError, unsupported } from '../../errors.ts';
import type { Message } from '../../items/message.ts';
import type { InputPart } from '../../protocol/content.ts';

/** What a part says in words. */
export function textOf(part: Message['content'][number] | InputPart): string {
  if (part.type === 'refusal') return part.refusal;
  return 'text' in part ? part.text : '';
}

/** What a message says that can only be words; throws an ApiError for an image or a file in it. */
export function wordsOf({ role, content }: Message): string {
  if (content.some(({ type }) => type === 'input_image' || type === 'input_file')) {
    throw unsupported('input', `holds an image or a file of the ${role}, which this model backend cannot read`);
  }
  return content.map(textOf).join('');
}

/** The ApiError for a file that would have to be fetched. */
export function fileByUrl(): ApiError {
  return unsupported('input', 'holds a file by its URL, which this model backend cannot read');
}
