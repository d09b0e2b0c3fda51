import * as v from 'valibot';
import { Id, Text } from '../protocol/fields.ts';
import type { SpeechKind } from './kind.ts';
import { MessageParts } from './message.ts';

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

/** A summary of the conversation so far, sealed. */
export const compaction: SpeechKind<typeof InputCompaction, Compaction> = {
  role: 'speech',
  schema: InputCompaction,
  title: 'InputCompaction',
  prefix: 'cmp',
  keep: (given, id) => ({ ...given, id }),
};
