import type { ChatMessage } from './messages.ts';
import type { ChatPart } from './parts.ts';

type System = Extract<ChatMessage, { role: 'system' }>;

/**
 * Messages with one system message, in front, that has the words of all, in their order: many chat templates raise an error
 * for a later one, or for a second. As user messages they would break templates whose roles have to alternate.
 */
export function systemFirst(messages: ChatMessage[]): ChatMessage[] {
  if (messages.every(({ role }, index) => role !== 'system' || index === 0)) return messages;
  const isSystem = (message: ChatMessage): message is System => message.role === 'system';
  const content = messages.filter(isSystem).map((message) => message.content);
  const others = messages.filter((message) => !isSystem(message));
  return [{ role: 'system', content: joined(content) }, ...others];
}

function joined(contents: readonly (string | ChatPart[])[]): string | ChatPart[] {
  if (contents.every((content) => typeof content === 'string')) return contents.join('\n\n');
  return contents.flatMap((content) =>
    typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content,
  );
}
