import * as v from 'valibot';
import type { Item } from '../items/item.ts';
import { Include } from './request.ts';

/** The query of one item, or of items that are added; `include` asks for what a stored item always has, or never. */
export const ItemQuery = v.object({ include: Include });

/** The query of every list of items; newest first unless told otherwise. */
export const ListQuery = v.object({
  after: v.optional(v.string()),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => /^\d+$/.test(text), 'must be a whole number'),
      v.transform(Number),
      v.number(),
      v.integer(),
      v.minValue(1),
      v.maxValue(100),
    ),
    '20',
  ),
  order: v.optional(v.picklist(['asc', 'desc']), 'desc'),
  ...ItemQuery.entries,
});
export type ListQuery = Omit<v.InferOutput<typeof ListQuery>, 'include'>;

/** A page of items; `has_more` says that there are more after `last_id`. */
export interface ItemList {
  object: 'list';
  data: Item[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

const Flag = v.optional(v.picklist(['true', 'false']));

/** How a response is to be read: as it is, or its events again, from one on. */
export const StreamQuery = v.object({
  ...ItemQuery.entries,
  stream: Flag,
  starting_after: v.optional(v.pipe(v.string(), v.regex(/^\d{1,15}$/, 'must be a whole number'), v.transform(Number))),
  include_obfuscation: Flag,
});
