import { type ApiError, unsupported } from '../../errors.ts';
import type { Compaction } from '../../items/compaction.ts';
import type { Message } from '../../items/message.ts';
import type { Directive } from '../../items/roles.ts';
import type { InputPart, InputText } from '../../protocol/content.ts';

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

/**
 * What a call came to, for servers whose tools answer in words. What cannot be told in words is added to `attachments`, which the
 * user is to show behind all the answers.
 */
export function inWords(output: string | InputPart[], attachments: InputPart[]): string | InputText[] {
  if (typeof output === 'string') return output;
  const texts = output.filter((part) => part.type === 'input_text');
  const others = output.filter((part) => part.type !== 'input_text');
  if (others.length === 0) return texts;
  attachments.push(...others);
  return [...texts, { type: 'input_text', text: `(${others.length} image(s) or file(s), shown below)` }];
}

/** The ApiError for an item that is neither said nor a call nor an answer. */
export function unreadable({ type }: Compaction | Directive): ApiError {
  return unsupported('input', `holds an item of type ${type}, which this model backend cannot read`);
}

/** The ApiError for a file that would have to be fetched. */
export function fileByUrl(): ApiError {
  return unsupported('input', 'holds a file by its URL, which this model backend cannot read');
}
