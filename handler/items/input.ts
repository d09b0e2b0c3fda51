import * as v from 'valibot';
import { Id } from '../protocol/fields.ts';
import { isObject } from '../protocol/json.ts';
import { kinds } from './index.ts';

/** The request, as the last input item, to compact the conversation and do nothing else. */
export const CompactionTrigger = v.object({ type: v.literal('compaction_trigger'), id: Id });

/** A reference to a stored item. */
export const ItemReference = v.object({ type: v.literal('item_reference'), id: v.pipe(v.string(), v.nonEmpty()) });

const TypedItem = v.variant('type', [
  ...Object.values(kinds).map(({ schema }) => schema),
  CompactionTrigger,
  ItemReference,
]);

/** One item of `input`; an object without a `type` is an easy message, or with nothing but an id a reference. */
export const InputItem = v.lazy((value) => {
  if (!isObject(value) || value.type != null) return TypedItem;
  return value.role === undefined && value.id !== undefined ? BareReference : kinds.message.schema;
});
const BareReference = v.object({
  ...ItemReference.entries,
  type: v.nullish(v.literal('item_reference'), 'item_reference'),
});
export type InputItem = v.InferOutput<typeof TypedItem>;
