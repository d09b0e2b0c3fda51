import { check } from '../../contract.ts';
import { ApiError } from '../../errors.ts';
import type { BackendEvent, ModelCall } from '../backend.ts';
import { type BackendSubject, isNamed, start } from './subject.ts';

/** Members with new values in each reply. */
const GENERATED = ['id', 'item_id', 'call_id'];

/** The requests sent for a call and how its reply is read, as one text. Throws at once if it cannot be prepared. */
export async function outcomeOf(subject: BackendSubject, call: ModelCall): Promise<string> {
  const events: BackendEvent[] = [];
  const streamed = start(subject, call);
  const before = subject.server?.sent(call.model).length ?? 0;
  const sent = () => subject.server?.sent(call.model).slice(before) ?? [];
  let failure: unknown;
  try {
    for await (const event of streamed) if (event.type !== 'keep_alive') events.push(event);
  } catch (error) {
    check(error instanceof ApiError, `a failure is no ApiError: ${error}`);
    check(sent().length > 0, `a call is refused when it is made, and not by prepare: ${error.message}`);
    failure = error.kind;
  }
  const reply = JSON.stringify(events, (name, value) => (GENERATED.includes(name) ? undefined : value));
  return JSON.stringify({ requests: sent(), reply, failure });
}

/**
 * Checks that each of these values in a call comes to something else, also than `outcomes`, or is refused by one of these
 * names. `what` is what has been dropped otherwise.
 */
export async function checkDiffer(
  subject: BackendSubject,
  base: ModelCall,
  values: readonly Partial<ModelCall>[],
  what: string,
  names: readonly string[],
  outcomes: Set<string> = new Set(),
): Promise<void> {
  for (const value of values) {
    const described = JSON.stringify(value).slice(0, 1_000);
    try {
      const outcome = await outcomeOf(subject, { ...base, ...value });
      check(!outcomes.has(outcome), `${what} is dropped: ${described} changes neither what is sent nor what is read`);
      outcomes.add(outcome);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      check(isNamed(error, names), `${what} is refused by another name, ${error.param}: ${described}`);
    }
  }
}
