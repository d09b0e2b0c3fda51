import type * as v from 'valibot';
import type { InputPart } from '../protocol/content.ts';
import type { JsonObject, Present } from '../protocol/json.ts';
import type { AnyEvent } from './event.ts';
import type { MediaUrl } from './media.ts';
import type { Stream } from './stream.ts';

/** A schema of what a client may send as an item of one type. */
export type ItemSchema = v.ObjectSchema<v.ObjectEntries & { type: v.GenericSchema<unknown, string> }, undefined>;

/** What a client sent as an item, as the schema reads it, without the members that are null. */
export type ClientInput<S extends ItemSchema> = Present<v.InferOutput<S>>;

/** What every item has, of whatever type. */
export interface AnyItem {
  type: string;
  id: string;
}

/** An item that belongs to a call: the call itself, or what answers it. */
export interface OfCall extends AnyItem {
  call_id: string | null;
}

/** Who made a call: the model itself. */
export interface DirectCaller {
  type: 'direct';
}

/** What is known of every type of item: `S` reads what a client sends of it, and `I` is the item as it is kept and listed. */
interface Kind<S extends ItemSchema, I extends AnyItem> {
  schema: S;
  /** What the OpenAPI document calls the schema. */
  title: string;
  /** How the ids of these items begin. */
  prefix: string;
  /** The item as it is kept, of what a client sent; `id` is what it sent as one, or else new. */
  keep(input: ClientInput<S>, id: string): I;
  /** The item as OpenAI takes it in an input, where that is not the item without its id. */
  asInput?(item: I): object;
}

/** What someone says, or what stands for that. Each backend reads these types in its own way. */
export interface SpeechKind<S extends ItemSchema, I extends AnyItem, E extends AnyEvent, O extends I = I>
  extends Kind<S, I> {
  role: 'speech';
  stream: Stream<O, E>;
  /** The URLs that it holds, for others to fetch. */
  media?(item: I | v.InferOutput<S>): Iterable<MediaUrl>;
}

/** A call of a tool that the client runs. */
export interface CallKind<S extends ItemSchema, I extends OfCall, E extends AnyEvent = never> extends Kind<S, I> {
  role: 'call';
  stream: Stream<I, E>;
  /** The call as a model sees it that knows only functions. */
  asCall(item: I): ToolCall;
}

/** A call of a tool that such a model is always shown as the same function. */
export interface FixedCallKind<S extends ItemSchema, I extends OfCall, E extends AnyEvent = never>
  extends CallKind<S, I, E> {
  /** The members of an item that this function's arguments make, as the model wrote them. */
  fromArguments(args: JsonObject): object;
}

/** What the client answers to a call; one that a server may give as well has a stream. */
export interface AnswerKind<S extends ItemSchema, I extends OfCall> extends Kind<S, I> {
  role: 'answer';
  /** The answer as a model sees it that knows only functions. */
  asAnswer(item: I): ToolAnswer;
  /** The URLs that it holds, for others to fetch. */
  media(item: I | v.InferOutput<S>): Iterable<MediaUrl>;
}

/** A call of a tool that a server has run, with what it came to: to a model a call and, right behind it, its answer. */
export interface ServerCallKind<S extends ItemSchema, I extends AnyItem, E extends AnyEvent = never>
  extends Kind<S, I> {
  role: 'server call';
  stream: Stream<I, E>;
  /** The call as a model sees it that knows only functions. */
  asCall(item: I): ToolCall;
  /** What it came to, in the same way. */
  asAnswer(item: I): ToolAnswer;
  /** The URLs that it holds, for others to fetch. */
  media(item: I | v.InferOutput<S>): Iterable<MediaUrl>;
}

/** What says something of the turns to come, and nothing to the model. */
export interface DirectiveKind<S extends ItemSchema, I extends AnyItem> extends Kind<S, I> {
  role: 'directive';
}

/** A call as that of a function; `arguments` is JSON, unless the model wrote something else. */
export interface ToolCall {
  id: string;
  name: string;
  arguments: string;
}

/** What a call came to. */
export interface ToolAnswer {
  id: string;
  output: string | InputPart[];
  failed: boolean;
}

/** A call of the function that stands for a tool, with what it is given; nulls are left out, as the model did. */
export function callWith(id: string, name: string, args: object): ToolCall {
  return { id, name, arguments: JSON.stringify(args, (_, value) => value ?? undefined) };
}

/** What stands for the id of a call that a server ran; ids of calls have 64 characters at most. */
export function callIdOf({ id }: AnyItem): string {
  return id.slice(0, 64);
}
