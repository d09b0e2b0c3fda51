import type OpenAI from 'openai';
import type { InputItem } from '../../handler/items/input.ts';
import type { OutputItem } from '../../handler/items/item.ts';

type Official = OpenAI.Responses.ResponseOutputItem | OpenAI.Responses.ResponseInputItem;

/** The types of items that Antiphon has and the `openai` package does not: nothing is compared for them. */
export type OwnItem = Exclude<OutputItem['type'] | InputItem['type'], NonNullable<Official['type']>>;

/** The types of their events, which begin with the name of the item. */
export type OwnEvent = `response.${OwnItem}.${string}`;
