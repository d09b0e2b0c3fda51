import * as v from 'valibot';
import type { Item } from '../items/item.ts';
import type { Conversation } from './conversation.ts';
import { Include, Metadata } from './request.ts';
import type { Response } from './response.ts';

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

/** Seconds since 1970, in a query. */
export const Seconds = v.optional(
  v.pipe(v.string(), v.regex(/^\d{1,11}$/, 'must be seconds since 1970'), v.transform(Number)),
);
/** A name or an id that may be in an index. */
const Word = v.optional(
  v.pipe(v.string(), v.regex(/^[^\p{Cc}\p{Cs}]{1,256}$/u, 'must be 1 to 256 characters without control characters')),
);
const Pairs = v.optional(
  v.pipe(
    Metadata,
    v.check((pairs) => !JSON.stringify(pairs).includes('\\u0000'), 'must not have NUL'),
  ),
  {},
);
const { include: _, ...Paging } = ListQuery.entries;

/** The query of the list of conversations: a page of those that fit all filters. */
export const ConversationListQuery = v.object({
  ...Paging,
  created_after: Seconds,
  created_before: Seconds,
  user: Word,
  metadata: Pairs,
  id: Word,
});
export type ConversationListQuery = v.InferOutput<typeof ConversationListQuery>;

/** The query of the list of responses. */
export const ResponseListQuery = v.object({
  ...ConversationListQuery.entries,
  model: Word,
  status: v.optional(v.picklist(['queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled'])),
});
export type ResponseListQuery = v.InferOutput<typeof ResponseListQuery>;

/** A page of a list; `has_more` says that there are more after `last_id`. */
export interface ListPage<T> {
  object: 'list';
  data: T[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

/** A page of items. */
export type ItemList = ListPage<Item>;

/** Who made a listed object, and in which request; null where that is not known. */
export interface Maker {
  made_by: string | null;
  request_id: string | null;
}

/** A page of responses; `last_id` need not be in it, since a page may end before it is full. */
export type ResponseList = ListPage<Response & Maker>;
/** A page of conversations, of the same kind. */
export type ConversationList = ListPage<Conversation & Maker>;

const Flag = v.optional(v.picklist(['true', 'false']));

/** How a response is to be read: as it is, or its events again, from one on. */
export const StreamQuery = v.object({
  ...ItemQuery.entries,
  stream: Flag,
  starting_after: v.optional(v.pipe(v.string(), v.regex(/^\d{1,15}$/, 'must be a whole number'), v.transform(Number))),
  include_obfuscation: Flag,
});
