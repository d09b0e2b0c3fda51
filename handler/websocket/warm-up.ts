import type { Finish, Prepare } from '../backend/backend.ts';
import { NO_USAGE } from '../protocol/response.ts';
import { PLACEHOLDER } from '../turn/first-call.ts';

/**
 * A model for `generate: false`: it refuses what the real one would, given a user message at the end, and returns an
 * empty answer at once. Nothing is sent.
 */
export function withoutModel(prepare: Prepare): Prepare {
  return (call) => {
    prepare({ ...call, input: [...call.input, PLACEHOLDER] });
    return { stream: nothing };
  };
}

async function* nothing(): AsyncGenerator<Finish, void> {
  yield { type: 'finish', reason: 'stop', usage: NO_USAGE };
}
