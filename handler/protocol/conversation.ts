import * as v from 'valibot';
import { InputItem } from '../items/input.ts';
import { maybe } from './fields.ts';
import { Metadata } from './request.ts';

/** Items that a client may add at a time; OpenAI's bound. */
const MAX_ITEMS = 20;

const Items = v.pipe(v.array(InputItem), v.maxLength(MAX_ITEMS));

/** The body of `POST /v1/conversations`. */
export const CreateConversation = v.object({ items: maybe(Items), metadata: maybe(Metadata) });

/** The body of `POST /v1/conversations/{id}`, which replaces the metadata; null empties it. */
export const UpdateConversation = v.object({ metadata: v.nullable(Metadata) });

/** The body of `POST /v1/conversations/{id}/items`. */
export const AddItems = v.object({ items: v.pipe(Items, v.nonEmpty()) });

/** The Conversation object of the API. */
export interface Conversation {
  id: string;
  object: 'conversation';
  created_at: number;
  metadata: Record<string, string>;
}
