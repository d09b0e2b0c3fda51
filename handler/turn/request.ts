import type { ClientItem } from '../items/item.ts';
import type { PromptedRequest } from './prompt.ts';

/** A request whose references to items are resolved. */
export type ResolvedRequest = Omit<PromptedRequest, 'input' | 'model'> & {
  model: string;
  input?: string | ClientItem[] | null | undefined;
  /** Whether the input ended with a `compaction_trigger`. */
  compacts?: boolean;
  /** Ids in the input of items that the conversation holds, though they are not among what was before. */
  held?: readonly string[] | undefined;
  /** False for a turn that makes nothing, and is there to be gone on from. */
  generate?: boolean | null | undefined;
};
