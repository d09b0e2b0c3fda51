import type * as v from 'valibot';
import type { Present } from '../protocol/json.ts';

/** A schema of what a client may send as an item of one type. */
export type ItemSchema = v.ObjectSchema<v.ObjectEntries & { type: v.GenericSchema<unknown, string> }, undefined>;

/** What every item has, of whatever type. */
export interface AnyItem {
  type: string;
  id: string;
}

/** Who made a call: the model itself. */
export interface DirectCaller {
  type: 'direct';
}

/** All that is known of one type of item: `S` reads what a client sends of it, and `I` is the item as it is kept and listed. */
export interface Kind<S extends ItemSchema, I extends AnyItem> {
  schema: S;
  /** What the OpenAPI document calls the schema. */
  title: string;
  /** How the ids of these items begin. */
  prefix: string;
  /** The item as it is kept, of what a client sent; `id` is what it sent as one, or else new. */
  keep(given: Given<S>, id: string): I;
}

/** What a client sent as an item, as the schema reads it, without the members that are null. */
export type Given<S extends ItemSchema> = Present<v.InferOutput<S>>;
