import * as v from 'valibot';
import { Id, Text } from '../protocol/fields.ts';
import type { OfItem } from './event.ts';
import type { SpeechKind } from './kind.ts';
import { MessageParts } from './message.ts';
import { unchanged } from './stream.ts';

/** What stands for all that was said before it, sealed: by this deployment, or by a model's server. */
const InputCompaction = v.object({
  type: v.literal('compaction'),
  id: Id,
  encrypted_content: v.pipe(v.string(), v.nonEmpty()),
});

/** A conversation summed up, as it is sealed: in words, and what system and developer messages said in it. */
export const SealedSummary = v.object({
  text: Text,
  instructions: v.array(v.object({ role: v.picklist(['system', 'developer']), content: MessageParts })),
});

/** What stands for all that was said before it; it has no status, and no content until it is whole. */
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
