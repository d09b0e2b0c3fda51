import type * as v from 'valibot';
import type { InputPart } from '../protocol/content.ts';
import type { JsonObject, Present } from '../protocol/json.ts';
import type { AnyEvent } from './event.ts';
import type { MediaUrl } from './media.ts';
import type { Stream } from './stream.ts';

/** The input schema of an item type. */
export type ItemSchema = v.ObjectSchema<v.ObjectEntries & { type: v.GenericSchema<unknown, string> }, undefined>;

/** A client's input as the schema parses it, without nulls. */
export type ClientInput<S extends ItemSchema> = Present<v.InferOutput<S>>;

/** The members of every item. */
export interface AnyItem {
  type: string;
  id: string;
}

/** An item of a tool call: the call or its output. */
export interface OfCall extends AnyItem {
  call_id: string | null;
}

/** The caller of a tool call: the model itself. */
export interface DirectCaller {
  type: 'direct';
}

/** What every item type defines: `S` parses client input, `I` is the stored item. */
interface Kind<S extends ItemSchema, I extends AnyItem> {
  schema: S;
  /** The schema's name in the OpenAPI document. */
  title: string;
  /** The prefix of its ids. */
  prefix: string;
  /** Makes the stored item from client input; `id` is the client's, or a new one. */
  keep(input: ClientInput<S>, id: string): I;
  /** The item as input for OpenAI, if that is not simply the item without its id. */
  asInput?(item: I): object;
}

/** Messages, reasoning and compactions. Each backend translates these types itself. */
export interface SpeechKind<S extends ItemSchema, I extends AnyItem, E extends AnyEvent, O extends I = I>
  extends Kind<S, I> {
  role: 'speech';
  stream: Stream<O, E>;
  /** Its media URLs, which model servers fetch. */
  media?(item: I | v.InferOutput<S>): Iterable<MediaUrl>;
}

/** A call of a tool that the client runs. */
export interface CallKind<S extends ItemSchema, I extends OfCall, E extends AnyEvent = never> extends Kind<S, I> {
  role: 'call';
  stream: Stream<I, E>;
  /** The call as a function call, for models that know only functions. */
  asCall(item: I): ToolCall;
}

/** A call of a built-in tool, which such a model always sees as the same function. */
export interface FixedCallKind<S extends ItemSchema, I extends OfCall, E extends AnyEvent = never>
  extends CallKind<S, I, E> {
  /** The item's members from the function's arguments, as the model wrote them. */
  fromArguments(args: JsonObject): object;
}

/** The output of a tool call. A type that servers may produce too has a stream. */
export interface AnswerKind<S extends ItemSchema, I extends OfCall> extends Kind<S, I> {
  role: 'answer';
  /** The output as a function's output, for models that know only functions. */
  asAnswer(item: I): ToolAnswer;
  /** Its media URLs, which model servers fetch. */
  media(item: I | v.InferOutput<S>): Iterable<MediaUrl>;
}

/** A tool call that a server ran, with its result. A model sees a call and its output. */
export interface ServerCallKind<S extends ItemSchema, I extends AnyItem, E extends AnyEvent = never>
  extends Kind<S, I> {
  role: 'server call';
  stream: Stream<I, E>;
  /** The call as a function call, for models that know only functions. */
  asCall(item: I): ToolCall;
  /** The result, as a function's output. */
  asAnswer(item: I): ToolAnswer;
  /** The item of a call, as the model made it where that is known, that was ended before it had a result; says why. Default: its status alone. */
  failed?(item: I, why: string, call?: ModelsCall): I;
  /** Its media URLs, which model servers fetch. */
  media(item: I | v.InferOutput<S>): Iterable<MediaUrl>;
}

/** A call of a hosted tool: run by this server it is a call and its output to models, else a text. */
export interface HostedCallKind<S extends ItemSchema, I extends AnyItem, E extends AnyEvent = never>
  extends ServerCallKind<S, I, E> {
  /** What was done, and what was found; undefined where this server ran it. */
  asText(item: I): string | undefined;
}

/** What one agent of a client writes to another, which a model reads as a user's message. */
export interface LetterKind<S extends ItemSchema, I extends AnyItem> extends Kind<S, I> {
  role: 'letter';
}

/** An item that configures later turns and is not sent to the model. */
export interface DirectiveKind<S extends ItemSchema, I extends AnyItem> extends Kind<S, I> {
  role: 'directive';
}

/** An item of an output that configures later turns and is not sent to the model. */
export interface ShownDirectiveKind<S extends ItemSchema, I extends AnyItem, E extends AnyEvent = never>
  extends DirectiveKind<S, I> {
  stream: Stream<I, E>;
}

/** The question whether a call may run, or the client's answer. A model is told what came of it. */
export interface ApprovalKind<S extends ItemSchema, I extends AnyItem> extends Kind<S, I> {
  role: 'approval';
}

/** The question itself, which a response shows. */
export interface AskedApprovalKind<S extends ItemSchema, I extends AnyItem> extends ApprovalKind<S, I> {
  stream: Stream<I>;
}

/** A function call. `arguments` should be JSON, but is what the model wrote. */
export interface ToolCall {
  id: string;
  name: string;
  arguments: string;
}

/** What a model wrote of a call. */
export type ModelsCall = Pick<ToolCall, 'name' | 'arguments'>;

/** A function's output. */
export interface ToolAnswer {
  id: string;
  output: string | InputPart[];
  failed: boolean;
}

/** A call of the function that stands for a tool. Null arguments are dropped, as the model left them out. */
export function callWith(id: string, name: string, args: object): ToolCall {
  return { id, name, arguments: JSON.stringify(args, (_, value) => value ?? undefined) };
}

/** The call id of a server call: its item id, cut to the 64 characters that a call id may have. */
export function callIdOf({ id }: AnyItem): string {
  return id.slice(0, 64);
}
