import * as v from 'valibot';
import { FunctionName, maybe, Text } from '../protocol/fields.ts';
import type { AnyEvent } from './event.ts';
import { callIdOf, type HostedCallKind, type ItemSchema } from './kind.ts';
import { noMedia } from './media.ts';

// Calls of hosted tools, as far as they are alike. One that this server ran says which function it was to the model.

/** The function that a hosted call was to the model: our own member of the API's items. */
export const FunctionRun = v.object({ name: FunctionName, arguments: Text, output: Text });
export type FunctionRun = v.InferOutput<typeof FunctionRun>;

/** The member of a schema that has it, which only items of this server have. */
export const functionRun = maybe(FunctionRun);

/** Members of an item of this server that are null, where a client's input has none of them. */
export function withNulls<T extends { function?: unknown }>(item: T, members: Partial<Record<keyof T, null>>): T {
  return item.function ? { ...members, ...item } : item;
}

/** The members that each call of a hosted tool has. */
export interface HostedItem {
  type: string;
  id: string;
  status?: string;
  /** What the model wrote and read, where this server ran the call. */
  function?: FunctionRun;
}

/** What a hosted call tells models: a call and its output where this server ran it, else a text, which `tell` says in lines. */
export function toldAs<I extends HostedItem>(
  tell: (item: I) => string[],
): Pick<HostedCallKind<ItemSchema, I, AnyEvent>, 'role' | 'asText' | 'asCall' | 'asAnswer' | 'failed' | 'media'> {
  const told = (item: I) => [...tell(item), ...(item.status === 'failed' ? ['It failed.'] : [])].join('\n');
  return {
    role: 'server call',
    asText: (item) => (item.function ? undefined : told(item)),
    asCall: (item) => ({
      id: callIdOf(item),
      name: item.function?.name ?? item.type,
      arguments: item.function?.arguments ?? '{}',
    }),
    asAnswer: (item) => ({
      id: callIdOf(item),
      output: item.function?.output ?? told(item),
      failed: item.status === 'failed',
    }),
    // Later turns read the call and why it came to nothing, and not that something was done.
    failed: (item, why, call) => ({
      ...item,
      status: 'failed',
      ...(call && { function: { name: call.name, arguments: call.arguments, output: why } }),
    }),
    media: noMedia,
  };
}
