import type { Backend, Finish } from '../backend/backend.ts';
import type { PreparedTurn } from '../routes/prepare.ts';

const NOTHING = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
};

/** A model that is refused what the given one would be, and says nothing, at once. */
function silent(backend: Backend): Backend {
  return {
    generate(call) {
      backend.generate(call, AbortSignal.abort()); // sends nothing unless pulled
      return nothing();
    },
    models: async () => [],
  };
}

async function* nothing(): AsyncGenerator<Finish, void> {
  yield { type: 'finish', reason: 'stop', usage: NOTHING };
}

/**
 * A turn for `generate: false`: a response without output to go on from, whose request is held to all that a model call
 * would be; no model is called and no tool is opened.
 */
export function warmUp({ backend, turn, ...rest }: PreparedTurn): PreparedTurn {
  return { ...rest, backend: silent(backend), turn: { ...turn, uses: [] } };
}
