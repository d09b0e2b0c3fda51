import type { Item, OutputItem } from '../items/item.ts';
import type { Annotation } from '../protocol/content.ts';
import type { Response, Usage } from '../protocol/response.ts';

/** How far the tool loop has come where a round has ended. */
export interface RoundsSoFar {
  /** The round that comes next, from 1. */
  round: number;
  usage: Usage | null;
  /** Calls of the server's functions. */
  calls: number;
  /** What they cited for the text that comes next. */
  citations: readonly Annotation[];
}

/** What keeps a turn while it is made. */
export interface TurnRecord {
  /** Before a function of the server runs, with whatever effects it has. A throw fails the turn, and the function does not run. */
  calling(): Promise<void>;
  /**
   * Between two rounds of the tool loop, with the output so far and what the round said to the model. `number` is the next
   * event's. A throw fails the turn.
   */
  round(
    output: readonly OutputItem[],
    newItems: readonly Item[],
    soFar: RoundsSoFar & { number: number },
  ): Promise<void>;
  /**
   * Before the terminal event. Resolves with what is kept, which is another end where somebody was first: that is then told.
   * A throw fails the turn, and is followed by one more call with it as failed.
   */
  end(response: Response): Promise<Response>;
}

/** Keeps nothing, for `store: false`. */
export const unrecorded: TurnRecord = {
  async calling() {},
  async round() {},
  end: async (response) => response,
};
