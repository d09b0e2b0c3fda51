import * as v from 'valibot';
import { Id, Text } from '../protocol/fields.ts';
import type { OfItem } from './event.ts';
import type { SpeechKind } from './kind.ts';
import { MessageParts } from './message.ts';
import { unchanged } from './stream.ts';

/** A summary of everything before it, sealed by this deployment or a model server. */
const InputCompaction = v.object({
  type: v.literal('compaction'),
  id: Id,
  encrypted_content: v.pipe(v.string(), v.nonEmpty()),
});

/** The sealed content of a compaction: the summary, and the system and developer messages word for word. */
export const SealedSummary = v.object({
  text: Text,
  instructions: v.array(v.object({ role: v.picklist(['system', 'developer']), content: MessageParts })),
});

/** A stored compaction. It has no status; its content is empty until it is done. */
export interface Compaction {
  type: 'compaction';
  id: string;
  encrypted_content: string;
}

/** The summary is still being made. */
type CompactionEvent = OfItem & { type: 'response.compaction.compacting' };

/** A summary of the conversation so far, sealed. */
export const compaction: SpeechKind<typeof InputCompaction, Compaction, CompactionEvent> = {
  role: 'speech',
  schema: InputCompaction,
  title: 'InputCompaction',
  prefix: 'cmp',
  keep: (input, id) => ({ ...input, id }),
  stream: {
    readWhole: false,
    begin: (item) => ({ ...item, encrypted_content: '' }),
    events: (_, at) => [{ type: 'response.compaction.compacting', ...at }],
    fold: { 'response.compaction.compacting': unchanged },
  },
};
