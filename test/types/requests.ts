import type OpenAI from 'openai';
import type * as v from 'valibot';
import type { InputItem } from '../../handler/items/input.ts';
import type { CompactRequest } from '../../handler/protocol/compact.ts';
import type { AddItems, CreateConversation, UpdateConversation } from '../../handler/protocol/conversation.ts';
import type { CountRequest } from '../../handler/protocol/count-request.ts';
import type { CreateRequest } from '../../handler/protocol/request.ts';
import type { OwnItem } from './own.ts';

// What we read of requests against what the `openai` package sends. Nothing here runs: `tsc -p test/types` is the test, and
// what differs stands in its message.

/** A body that the package sends, and the schema that reads it. */
interface Bodies {
  create: [OpenAI.Responses.ResponseCreateParams, CreateRequest];
  compact: [OpenAI.Responses.ResponseCompactParams, v.InferOutput<typeof CompactRequest>];
  count: [OpenAI.Responses.InputTokenCountParams, v.InferOutput<typeof CountRequest>];
  conversation: [OpenAI.Conversations.ConversationCreateParams, v.InferOutput<typeof CreateConversation>];
  update: [OpenAI.Conversations.ConversationUpdateParams, v.InferOutput<typeof UpdateConversation>];
  items: [OpenAI.Conversations.ItemCreateParams, v.InferOutput<typeof AddItems>];
}

/** Of these some kinds are refused, and `image` and the like as a whole: docs/not-supported.md has them. */
type Refused = 'input' | 'items' | 'tools' | 'tool_choice' | 'prompt' | 'image' | 'moderation' | 'access_programs';
/** Of these the types admit any text, and we those that are known. */
type Open = 'context_management' | 'reasoning';
/** Sent in the query; or read though the types do not have it: what Codex compacts with, and what shapes the call that is counted. */
type Elsewhere = 'include' | 'tools' | 'parallel_tool_calls' | 'reasoning' | 'max_output_tokens' | 'prompt';

type Read<B extends keyof Bodies> = Required<Bodies[B][1]>;
type Sent<B extends keyof Bodies> = Required<Bodies[B][0]>;
type Both<B extends keyof Bodies> = Exclude<keyof Read<B> & keyof Sent<B> & string, Refused>;

/** `body.member` of all that is sent and not read, and of all that is read and not sent. */
type Unread = {
  [B in keyof Bodies]: `${B}.${Exclude<keyof Sent<B> & string, keyof Read<B> | Elsewhere>}`;
}[keyof Bodies];
type Unsent = {
  [B in keyof Bodies]: `${B}.${Exclude<keyof Read<B> & string, keyof Sent<B> | Elsewhere>}`;
}[keyof Bodies];

/** `body.member` of all of which something may be sent that is not read, or read that is not sent. */
type Narrower = {
  [B in keyof Bodies]: {
    [K in Exclude<Both<B>, Open>]: NonNullable<Sent<B>[K]> extends Read<B>[K] ? never : `${B}.${K}`;
  }[Exclude<Both<B>, Open>];
}[keyof Bodies];
/** A value without nulls, which are taken wherever something may be left out. */
type Given<T> = T extends readonly (infer E)[]
  ? Given<E>[]
  : T extends object
    ? { [K in keyof T]: Given<Exclude<T[K], null>> }
    : Exclude<T, null>;
/** Read as those of a create, of which more is known. */
type AsInCreate = 'compact.prompt_cache_options' | 'compact.service_tier';
type Wider = {
  [B in keyof Bodies]: { [K in Both<B>]: Given<Read<B>[K]> extends Given<Sent<B>[K]> ? never : `${B}.${K}` }[Both<B>];
}[keyof Bodies];

/** Read since Open Responses has them; the SDK's types lack them. */
type OpenResponsesOnly = 'create.presence_penalty' | 'create.frequency_penalty';

/** Compiles only when there are no such names; the compiler's message lists them. */
type None<Names extends string> = Record<Names, never>;

export const unread: None<Unread> = {};
export const unsent: None<Exclude<Unsent, OpenResponsesOnly>> = {};
export const narrower: None<Narrower> = {};
export const wider: None<Exclude<Wider, AsInCreate>> = {};

type Item = OpenAI.Responses.ResponseInputItem;
type Ours<T, I = InputItem> = I extends { type: infer U } ? (T extends U ? I : never) : never;
type Theirs<T, I = Item> = I extends { type?: infer U | null } ? (T extends U ? I : never) : never;
type Keys<U> = U extends unknown ? keyof U & string : never;

/** Members that items of ours or of OpenAI's have, and clients send back. */
type TakenBack =
  | 'web_search_call.results'
  | `${'web_search' | 'file_search' | 'code_interpreter' | 'image_generation'}_call.function`
  | 'custom_tool_call.status'
  | 'custom_tool_call_output.status'
  | 'local_shell_call_output.call_id';

/** `type.member` of all that an item has that is sent, and of which nothing is read; or the other way round. */
type UnreadOfItems = { [T in InputItem['type']]: `${T}.${Exclude<Keys<Theirs<T>>, Keys<Ours<T>>>}` }[InputItem['type']];
type UnsentOfItems = { [T in InputItem['type']]: `${T}.${Exclude<Keys<Ours<T>>, Keys<Theirs<T>>>}` }[InputItem['type']];

export const unreadOfItems: None<UnreadOfItems> = {};
export const unsentOfItems: None<Exclude<UnsentOfItems, TakenBack | `${OwnItem}.${string}`>> = {};
