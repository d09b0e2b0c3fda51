import type { Finish, Prepare } from '../backend/backend.ts';
import type { Item } from '../items/item.ts';
import { NO_USAGE } from '../protocol/response.ts';

/** Words of a user's, who has to have the last one before some servers take a request; the next one brings some. */
const TO_COME: Item = {
  type: 'message',
  id: 'msg_to_come',
  role: 'user',
  status: 'completed',
  content: [{ type: 'input_text', text: '?' }],
};

/**
 * A model for `generate: false`: it is refused what the given one would be, once a user's words follow, and says nothing, at
 * once. Nothing is sent.
 */
export function silent(prepare: Prepare): Prepare {
  return (call) => {
    prepare({ ...call, input: [...call.input, TO_COME] });
    return { stream: nothing };
  };
}

async function* nothing(): AsyncGenerator<Finish, void> {
  yield { type: 'finish', reason: 'stop', usage: NO_USAGE };
}
