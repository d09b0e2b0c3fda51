import type { OutputItem } from '../protocol/items.ts';
import type { Response } from '../protocol/response.ts';

/** What keeps a turn while it is made. */
export interface TurnRecord {
  /** Between two rounds of the tool loop, with the output so far. A throw fails the turn. */
  round(output: readonly OutputItem[]): Promise<void>;
  /** Before the terminal event. A throw fails the turn, and is followed by one more call with it as failed. */
  end(response: Response): Promise<void>;
}

/** Keeps nothing, for `store: false`. */
export const unrecorded: TurnRecord = {
  async round() {},
  async end() {},
};
