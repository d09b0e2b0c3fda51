import type { Usage } from '../protocol/response.ts';
import type { RoundsSoFar } from '../turn/record.ts';

/** Progress of a background turn, from which it can be resumed. Stored as JSON: its names stay. */
export interface Progress extends RoundsSoFar {
  /** Sequence number of the next event. */
  number: number;
  /** How many items its rounds added for the model beyond its own input. */
  said: number;
  /** An estimate of what its next call reads, in tokens, where turns are charged: for one that is cut. */
  reads?: number | undefined;
  /** The usage that limits have counted by then: that of its whole rounds. Absent in progress of older programs, which counted at the end. */
  counted?: Usage | null | undefined;
  /** Set while calls of a round run: how many of the items that rounds added are this one's, and whether one of these ends the turn. */
  running?: { items: number; ends: boolean } | undefined;
}

/** Progress of a queued turn: `number` events sent, no model call yet. */
export function queuedProgress(number: number, reads?: number): Progress {
  return { number, round: 1, usage: null, said: 0, calls: 0, citations: [], reads };
}
