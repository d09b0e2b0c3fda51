import type { Backend } from '../backend/backend.ts';
import type { PreparedTurn } from '../routes/prepare.ts';

const NOTHING = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
};

/** A model that says nothing, at once. */
const silent: Backend = {
  async *generate() {
    yield { type: 'finish', reason: 'stop', usage: NOTHING };
  },
  models: async () => [],
};

/**
 * A turn for `generate: false`: a response without output to go on from, whose request has been held to all that a model
 * call would be; no model is called and no tool is opened. Throws an ApiError for what the backend cannot carry.
 */
export function warmUp({ backend, turn, ...rest }: PreparedTurn): PreparedTurn {
  backend.generate(turn.call, AbortSignal.abort()); // says at once what it cannot carry, and sends nothing unless pulled
  return { ...rest, backend: silent, turn: { ...turn, uses: [] } };
}
