import type { RoundsSoFar } from '../turn/record.ts';

/** How far a background turn has come that can be run again from there. */
export interface Progress extends RoundsSoFar {
  /** Sequence number of the next event. */
  number: number;
  /** What its rounds said to the model beyond its own input: how many items. */
  said: number;
}

/** A turn of which the first events, so many, are told and nothing is made. */
export function queuedProgress(number: number): Progress {
  return { number, round: 1, usage: null, said: 0, calls: 0, citations: [] };
}
