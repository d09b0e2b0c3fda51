import { ApiError, unsupported } from '../../errors.ts';
import type { AgentMessage } from '../../items/agent-message.ts';
import type { Compaction } from '../../items/compaction.ts';
import type { Message } from '../../items/message.ts';
import type { Approval, Directive } from '../../items/roles.ts';
import type { InputPart, InputText } from '../../protocol/content.ts';

/** The text of a part; empty for an image or a file. */
export function textOf(part: Message['content'][number] | InputPart): string {
  if (part.type === 'refusal') return part.refusal;
  return 'text' in part ? part.text : '';
}

/** The text of a message that may hold only text. Throws an ApiError for an image or a file. */
export function wordsOf({ role, content }: Message): string {
  if (content.some(({ type }) => type === 'input_image' || type === 'input_file')) {
    throw unsupported('input', `holds an image or a file of the ${role}, which this model backend cannot read`);
  }
  return content.map(textOf).join('');
}

/**
 * A call's output as text, for servers whose tool outputs are text. Images and files are added to `attachments`, to
 * follow all outputs in a user message.
 */
export function inWords(output: string | InputPart[], attachments: InputPart[]): string | InputText[] {
  if (typeof output === 'string') return output;
  const texts = output.filter((part) => part.type === 'input_text');
  const others = output.filter((part) => part.type !== 'input_text');
  if (others.length === 0) return texts;
  attachments.push(...others);
  return [...texts, { type: 'input_text', text: `(${others.length} image(s) or file(s), shown below)` }];
}

/** The ApiError for an item type the backend cannot read. */
export function unreadable({ type }: Compaction | Directive | AgentMessage | Approval): ApiError {
  if (type === 'agent_message') {
    const message = 'input holds an agent_message that another server has sealed, which this model backend cannot read';
    return new ApiError('unreadable', message, { param: 'input' });
  }
  return unsupported('input', `holds an item of type ${type}, which this model backend cannot read`);
}

/** The ApiError for a file given by URL. */
export function fileByUrl(): ApiError {
  return unsupported('input', 'holds a file by its URL, which this model backend cannot read');
}
