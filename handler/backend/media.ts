import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import type { FindMedia } from '../media.ts';
import type { Backend } from './backend.ts';

/**
 * A backend that is handed no URL which the rules forbid, whatever it stands in: an item that was kept under other rules, or
 * what a tool returned. Throws an ApiError, 422, that names `input` as a whole.
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
