import type { ClientItem } from '../items/item.ts';
import type { PromptedRequest } from './prompt.ts';

/** A request whose references to items are resolved. */
export type ResolvedRequest = Omit<PromptedRequest, 'input' | 'model'> & {
  model: string;
  input?: string | ClientItem[] | null | undefined;
  /** Whether the input ended with a `compaction_trigger`. */
  compacts?: boolean;
  /**
   * Ids of input items that the conversation holds already, though the history was not read that far back. A stored key.
   */
  held?: readonly string[] | undefined;
  /** False for a warm-up: a turn without output, for a follow-up to continue. */
  generate?: boolean | null | undefined;
  /** Texts at which the model is stopped: another API than the Responses API asks for that. */
  stops?: readonly string[] | undefined;
};
