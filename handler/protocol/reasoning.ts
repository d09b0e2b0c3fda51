import * as v from 'valibot';

/** How hard a reasoning model is to think; which of these a model takes is the backend's to say. */
export const ReasoningEffort = v.picklist(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);
export type ReasoningEffort = v.InferOutput<typeof ReasoningEffort>;

/** What reasoning says: the thing itself where it is there, else its summary. */
export function reasoningText({
  content,
  summary,
}: Record<'content' | 'summary', readonly { text: string }[]>): string {
  return (content.length > 0 ? content : summary).map(({ text }) => text).join('\n');
}
