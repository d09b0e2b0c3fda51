import * as v from 'valibot';
import type { ItemStatus, ReasoningText, SummaryText } from '../protocol/content.ts';
import { Id, maybe, Status, Text } from '../protocol/fields.ts';
import type { SpeechKind } from './kind.ts';

/** Reasoning of an earlier turn, replayed; one without content is a no-op. */
const InputReasoning = v.object({
  type: v.literal('reasoning'),
  id: Id,
  summary: maybe(v.array(v.object({ type: v.literal('summary_text'), text: Text }))),
  content: maybe(v.array(v.object({ type: v.literal('reasoning_text'), text: Text }))),
  encrypted_content: maybe(v.string()),
  status: Status,
});

/** The model's reasoning, where the backend shows it. */
export interface Reasoning {
  type: 'reasoning';
  id: string;
  summary: SummaryText[];
  content: ReasoningText[];
  encrypted_content?: string | null;
  status: ItemStatus;
}

/** What the model thinks before it says something. */
export const reasoning: SpeechKind<typeof InputReasoning, Reasoning> = {
  role: 'speech',
  schema: InputReasoning,
  title: 'InputReasoning',
  prefix: 'rs',
  keep: (given, id) => ({
    ...given,
    id,
    summary: given.summary ?? [],
    content: given.content ?? [],
    status: given.status ?? 'completed',
  }),
};

/** What reasoning says: the thing itself where it is there, else its summary. */
export function reasoningText({ content, summary }: Pick<Reasoning, 'content' | 'summary'>): string {
  return (content.length > 0 ? content : summary).map(({ text }) => text).join('\n');
}
