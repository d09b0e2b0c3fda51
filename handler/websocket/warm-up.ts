import type { Finish, Prepare } from '../backend/backend.ts';
import { unsupported } from '../errors.ts';
import type { Item } from '../items/item.ts';
import { NO_USAGE } from '../protocol/response.ts';
import type { PreparedTurn } from '../service/prepare.ts';

/** Words of a user's, who has to have the last one before some servers take a request; the next one brings some. */
const TO_COME: Item = {
  type: 'message',
  id: 'msg_to_come',
  role: 'user',
  status: 'completed',
  content: [{ type: 'input_text', text: '?' }],
};

/** A model that is refused what the given one would be, once a user's words follow, and says nothing, at once. */
function silent(prepare: Prepare): Prepare {
  return (call) => {
    prepare({ ...call, input: [...call.input, TO_COME] });
    return { stream: nothing };
  };
}

async function* nothing(): AsyncGenerator<Finish, void> {
  yield { type: 'finish', reason: 'stop', usage: NO_USAGE };
}

/**
 * A turn for `generate: false`: a response without output to go on from, whose request is held to all that a model call
 * would be; no model is called, no tool is opened, and nothing is summed up yet. Throws an ApiError where it is to be only
 * summed up.
 */
export function warmUp({ prepare, turn, ...rest }: PreparedTurn): PreparedTurn {
  const { compaction, ...quiet } = turn;
  if (compaction?.only) throw unsupported('generate', 'must not be false where input ends with a compaction_trigger');
  return { ...rest, prepare: silent(prepare), turn: { ...quiet, uses: [] } };
}
