import { kinds } from './index.ts';
import type { Item, Items } from './item.ts';

type Kinds = typeof kinds;
type Role = Kinds[keyof Kinds]['role'];
type OfRole<R extends Role> = Items[{ [T in keyof Kinds]: Kinds[T] extends { role: R } ? T : never }[keyof Kinds]];

/** A call that the client answers. */
export type Call = OfRole<'call'>;
/** The output of a call. A function_call_output may answer a call of any type. */
export type Answer = OfRole<'answer'>;
/** A call that a server has run, with its result. */
export type ServerCall = OfRole<'server call'>;
/** An item that configures later model calls and is not sent to the model. */
export type Directive = OfRole<'directive'>;

/** The question whether a call may run, or the answer. */
export type Approval = OfRole<'approval'>;

/** Whether an item is a call that the client answers. */
export function isCall(item: Item): item is Call {
  return kinds[item.type].role === 'call';
}

/** Whether an item answers a call. */
export function isAnswer(item: Item): item is Answer {
  return kinds[item.type].role === 'answer';
}

/** Whether an item is a call that a server has run. */
export function isServerCall(item: Item): item is ServerCall {
  return kinds[item.type].role === 'server call';
}

/** Whether an item is a directive. */
export function isDirective(item: Item): item is Directive {
  return kinds[item.type].role === 'directive';
}

/** Whether an item is a call, an answer, or both. */
export function isOfTool(item: Item): item is Call | Answer | ServerCall {
  return isCall(item) || isAnswer(item) || isServerCall(item);
}
