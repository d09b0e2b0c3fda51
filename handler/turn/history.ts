import type { Item } from '../items/item.ts';
import type { Response } from '../protocol/response.ts';
import type { Summaries } from './compaction.ts';
import type { RoundsSoFar, RunningCalls } from './record.ts';

/** The history of a turn, read and unsealed. A turn is planned from it and the request alone. */
export interface History {
  /** Earlier items, oldest first. */
  items: readonly Item[];
  previous: string | null;
  conversation: { id: string } | null;
  /** The opened summaries of its compactions. */
  summaries: Summaries;
  /** Set if the turn resumes. */
  resumed?: ResumedTurn;
}

/** A turn that resumes after its process died. */
export interface ResumedTurn extends RoundsSoFar {
  /** The response as it began, with the output of finished rounds. */
  response: Response;
  /** Items those rounds added to the model's input. */
  newItems: readonly Item[];
  /** Set if its process died while calls ran: nobody knows what became of those without an output. */
  running?: RunningCalls | undefined;
  /** Sequence number of the next event. */
  number: number;
  /** Whether `response.in_progress` was sent. */
  inProgress: boolean;
}
