import type { Item, OutputItem } from '../items/item.ts';
import type { Annotation } from '../protocol/content.ts';
import type { Response, Usage } from '../protocol/response.ts';

/** The state of the tool loop between two rounds. */
export interface RoundsSoFar {
  /** The next round, from 1. */
  round: number;
  usage: Usage | null;
  /** Server function calls so far. */
  calls: number;
  /** Their citations for the next text. */
  citations: readonly Annotation[];
}

/** Calls of a round that run, or did when their process died. */
export interface RunningCalls {
  /** What the round adds to the model's input so far: the calls, and the outputs of those that have ended. */
  items: readonly Item[];
  /** Whether one of these ends the turn. */
  ends: boolean;
}

/** The port that stores a turn while it runs. */
export interface TurnRecord {
  /**
   * Called before the server functions of a round run, since they may have effects: with the output so far, and the items that the round adds to
   * the model's input, the calls among them. `number` is the next event's. A throw fails the turn, and nothing runs.
   */
  calling(
    output: readonly OutputItem[],
    newItems: readonly Item[],
    soFar: RoundsSoFar & { number: number },
  ): Promise<void>;
  /** Called when one of several such functions has ended: with its output for the model, and its citations. */
  called(output: Item, citations: readonly Annotation[], endsTurn: boolean): Promise<void>;
  /**
   * Called between two rounds, with the output so far and the items added to the model's input. `number` is the next
   * event's. A throw fails the turn.
   */
  round(
    output: readonly OutputItem[],
    newItems: readonly Item[],
    soFar: RoundsSoFar & { number: number },
  ): Promise<void>;
  /**
   * Called before the terminal event. Resolves with the response as stored, which is another if somebody ended it
   * first; its events then say so. After a throw it is called once more, with the failed response. `rewritten` says that items of
   * earlier rounds may be others now.
   */
  end(response: Response, rewritten?: boolean): Promise<Response>;
}

/** Stores nothing, for `store: false`. */
export const unrecorded: TurnRecord = {
  async calling() {},
  async called() {},
  async round() {},
  end: async (response) => response,
};
