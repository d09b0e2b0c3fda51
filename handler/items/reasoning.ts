import * as v from 'valibot';
import type { ItemStatus, ReasoningText, SummaryText } from '../protocol/content.ts';
import { Id, maybe, Status, Text } from '../protocol/fields.ts';
import type { ContentPartEvent } from './event.ts';
import type { SpeechKind } from './kind.ts';
import { partsOf, type ReasoningEvent } from './part-events.ts';
import { change, put } from './stream.ts';

/** Reasoning of an earlier turn, replayed; one without content is a no-op. */
const InputReasoning = v.object({
  type: v.literal('reasoning'),
  id: Id,
  summary: maybe(v.array(v.object({ type: v.literal('summary_text'), text: Text }))),
  content: maybe(v.array(v.object({ type: v.picklist(['reasoning_text', 'text', 'output_text']), text: Text }))),
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

/** The model's reasoning. */
export const reasoning: SpeechKind<typeof InputReasoning, Reasoning, ReasoningEvent> = {
  role: 'speech',
  schema: InputReasoning,
  title: 'InputReasoning',
  prefix: 'rs',
  keep: (input, id) => ({
    ...input,
    id,
    summary: input.summary ?? [],
    content: (input.content ?? []).map(({ text }) => ({ type: 'reasoning_text', text })), // also where it is sent as `text`, or by Open WebUI as `output_text`
    status: input.status ?? 'completed',
  }),
  stream: {
    readWhole: false,
    begin: (item) => ({ ...item, status: 'in_progress', content: [], summary: [] }),
    *events({ summary, content, status }, at) {
      yield* partsOf(summary, at, content.length > 0 ? 'completed' : status);
      yield* partsOf(content, at, status);
    },
    fold: {
      'response.content_part.added': withPart,
      'response.content_part.done': withPart,
      'response.reasoning_text.delta': (item, { content_index, delta }) => ({
        ...item,
        content: change(item.content, content_index, (part) => ({ ...part, text: part.text + delta })),
      }),
      'response.reasoning_text.done': (item, { content_index, text }) => ({
        ...item,
        content: change(item.content, content_index, (part) => ({ ...part, text })),
      }),
      'response.reasoning_summary_part.added': withSummary,
      'response.reasoning_summary_part.done': withSummary,
      'response.reasoning_summary_text.delta': (item, { summary_index, delta }) => ({
        ...item,
        summary: change(item.summary, summary_index, (part) => ({ ...part, text: part.text + delta })),
      }),
      'response.reasoning_summary_text.done': (item, { summary_index, text }) => ({
        ...item,
        summary: change(item.summary, summary_index, (part) => ({ ...part, text })),
      }),
    },
  },
};

/** The text of reasoning: its content, or else its summary. */
export function reasoningText({ content, summary }: Pick<Reasoning, 'content' | 'summary'>): string {
  return (content.length > 0 ? content : summary).map(({ text }) => text).join('\n');
}

function withPart(item: Reasoning, { content_index, part }: ContentPartEvent): Reasoning {
  return part.type === 'reasoning_text' ? { ...item, content: put(item.content, content_index, part) } : item;
}

function withSummary(
  item: Reasoning,
  { summary_index, part }: { summary_index: number; part: SummaryText },
): Reasoning {
  return { ...item, summary: put(item.summary, summary_index, part) };
}
