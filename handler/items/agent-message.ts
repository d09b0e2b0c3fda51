import * as v from 'valibot';
import { InputText } from '../protocol/content.ts';
import { Id, maybe, Text } from '../protocol/fields.ts';
import type { LetterKind } from './kind.ts';
import type { Message } from './message.ts';

/** A text that only the server that sealed it can read, or one that our model wrote where OpenAI's would have sealed it. */
const SealedText = v.object({ type: v.literal('encrypted_content'), encrypted_content: Text });

/** What one agent of a client writes to another: Codex hands tasks to its sub-agents so, and their results back. */
const InputAgentMessage = v.object({
  type: v.literal('agent_message'),
  id: Id,
  author: maybe(v.string()),
  recipient: maybe(v.string()),
  content: v.lazy((value) => (typeof value === 'string' ? Text : AgentMessageParts)),
});
const AgentMessageParts = v.array(v.variant('type', [InputText, SealedText]));

/** A message from agent to agent, as it is kept. */
export interface AgentMessage {
  type: 'agent_message';
  id: string;
  author?: string;
  recipient?: string;
  content: v.InferOutput<typeof AgentMessageParts>;
}

/** What one agent writes to another. */
export const agent_message: LetterKind<typeof InputAgentMessage, AgentMessage> = {
  role: 'letter',
  schema: InputAgentMessage,
  title: 'InputAgentMessage',
  prefix: 'amsg',
  keep: ({ content, ...input }, id) => ({
    ...input,
    id,
    content: typeof content === 'string' ? [{ type: 'input_text', text: content }] : content,
  }),
};

/** How OpenAI's sealed texts begin: https://github.com/openai/codex/issues/33551 */
const SEALED = /^gAAAAA[\w-]*={0,2}$/;

/** An agent's message as a user's, with all its words; undefined where a server has sealed some of them. */
export function readLetter({ id, content }: AgentMessage): Message | undefined {
  if (content.some((part) => part.type === 'encrypted_content' && SEALED.test(part.encrypted_content)))
    return undefined;
  const words = content.map((part) => (part.type === 'input_text' ? part.text : part.encrypted_content));
  const lines = words.map((word, at) => (at === words.length - 1 || word.endsWith('\n') ? word : `${word}\n`));
  const text = lines.join('');
  return { type: 'message', id, role: 'user', status: 'completed', content: [{ type: 'input_text', text }] };
}
