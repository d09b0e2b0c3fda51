import type { Finish, Prepare } from '../backend/backend.ts';
import { NO_USAGE } from '../protocol/response.ts';
import { PLACEHOLDER } from '../turn/first-call.ts';

/**
 * A model for `generate: false`: it is refused what the given one would be, once a user's words follow, and says nothing, at
 * once. Nothing is sent.
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
