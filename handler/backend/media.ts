import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import type { FindMedia } from '../media.ts';
import type { Backend } from './backend.ts';

/**
 * A backend that never gets a URL the media rules forbid, wherever it comes from: an item stored under other rules,
 * or a tool's output. Throws an ApiError, 422, that names `input` as a whole.
 */
export function withMediaRules(backend: Backend, findMedia: FindMedia): Backend {
  const refuse = (input: readonly Item[]) => {
    const found = findMedia(input);
    if (!found) return;
    const message = `input goes on from an item whose ${found.member} ${found.why}`;
    throw new ApiError('invalid_value', message, { param: 'input' });
  };
  return {
    ...backend,
    prepare(call, profile) {
      refuse(call.input);
      return backend.prepare(call, profile);
    },
  };
}
