import type { Item } from '../items/item.ts';
import type { Response } from '../protocol/response.ts';
import type { Summaries } from './compaction.ts';
import type { RoundsSoFar } from './record.ts';

/** What was before a turn, read and unsealed: with the request, all that the turn is planned from. */
export interface History {
  /** Everything said before, oldest first. */
  items: readonly Item[];
  previous: string | null;
  conversation: { id: string } | null;
  /** What the compactions hold that its model is to read. */
  summaries: Summaries;
  /** What the turn itself has made, where it goes on. */
  resumed?: ResumedTurn;
}

/** A turn whose first events were sent before, by a process that has died. */
export interface ResumedTurn extends RoundsSoFar {
  /** As it was when it began, with the output of the rounds that have ended. */
  response: Response;
  /** What these rounds said to the model beyond the turn's own input. */
  newItems: readonly Item[];
  /** Sequence number of the next event. */
  number: number;
  /** Whether it has been said to be in progress. */
  inProgress: boolean;
}
