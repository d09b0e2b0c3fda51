import { ServiceTier } from '../../protocol/request.ts';
import type { Finish } from '../backend.ts';

/** The tier that a server says it served; undefined for `auto`, which says nothing, and for one that the API does not have. */
export function toTier(value: unknown): Finish['tier'] {
  return ServiceTier.options.find((tier) => tier === value && tier !== 'auto');
}
