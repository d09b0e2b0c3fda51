import type { FunctionOutput } from '../items/function.ts';
import type { Item, OutputItem } from '../items/item.ts';
import { isAnswer, isCall } from '../items/roles.ts';
import type { RunningCalls } from './record.ts';
import { outputOf } from './served-calls.ts';

/** What the model, and the client, are told of a call whose process has died. */
export const UNKNOWN =
  'It is not known whether this call was carried out, and what came of it: the server that ran it stopped in the middle. Find out before you repeat it.';

/** What the model is told of a call that had yet to be approved then. */
export const UNASKED =
  'Not run: the server stopped before the user was asked to approve this call. The user is asked when it is called again.';

/** What a round has come to whose process died while its calls ran. */
export interface InterruptedRound {
  /** All that it adds to the model's input: the calls, and an output for each in their order. */
  newItems: Item[];
  /** Those outputs that were not there. */
  unknown: FunctionOutput[];
  /** Whether the turn ends with it: a tool has ended it, or a client has to answer too. */
  ends: boolean;
}

/** Ends such a round: no call runs again. `notRun` says what a call of the server comes to that has not been recorded; undefined for a client's. */
export function interruptedRound(
  { items, ends }: RunningCalls,
  notRun: (call: OutputItem) => string | undefined,
): InterruptedRound {
  const answers = new Map(items.filter(isAnswer).map((answer) => [answer.call_id, answer]));
  const unknown: FunctionOutput[] = [];
  const outputs: Item[] = [];
  let waits = false;
  for (const call of items.filter(isCall)) {
    const { call_id } = call;
    const known = answers.get(call_id);
    const why = notRun(call);
    if (known) outputs.push(known);
    else if (why === undefined || call_id === null) waits = true;
    else {
      const output = outputOf(call_id, why);
      unknown.push(output);
      outputs.push(output);
    }
  }
  return { newItems: [...items.filter((item) => !isAnswer(item)), ...outputs], unknown, ends: ends || waits };
}
