import { ApiError } from '../errors.ts';
import { InputItem } from '../items/input.ts';
import type { ClientItem } from '../items/item.ts';
import { parseObject } from '../parse-json.ts';
import { isSealed, type Seal } from '../seal.ts';
import { fitting } from '../validate.ts';

/** A call of a hosted tool that a client has carried, with what it was to the model. */
export type CarriedCall = Extract<InputItem, { function?: unknown }>;

/**
 * The input with our sealed reasoning opened, and calls with what the client carries of them; reasoning that a model server sealed stays.
 * Throws an ApiError if it cannot be opened.
 */
export async function openReasoning(seal: Seal, input: readonly ClientItem[], param = 'input'): Promise<ClientItem[]> {
  const carried = new Map<string, CarriedCall>();
  const items = await Promise.all(
    input.map(async (item) => {
      if (item.type !== 'reasoning' || !item.encrypted_content || !isSealed(item.encrypted_content)) return item;
      const open = { ...item, encrypted_content: null };
      if (item.content?.length) return open;
      const text = await seal.open('reasoning', item.encrypted_content);
      if (text === undefined) {
        const call = await openCall(seal, item.encrypted_content);
        if (call?.id) {
          carried.set(call.id, call);
          return undefined;
        }
        const message = 'The encrypted_content of a reasoning item cannot be read: another deployment has sealed it.';
        throw new ApiError('unreadable', message, { param });
      }
      if (item.summary?.map((part) => part.text).join('\n') === text) return open;
      return { ...open, content: [{ type: 'reasoning_text' as const, text }] };
    }),
  );
  return items.flatMap((item) => (item ? withCarried(item, carried) : []));
}

/** A call that a client carries in this text; undefined where that is none. */
export async function openCall(seal: Seal, sealed: string): Promise<CarriedCall | undefined> {
  const text = await seal.open('call', sealed);
  const item = text === undefined ? undefined : fitting(InputItem, parseObject(text));
  return item && 'function' in item && item.function ? item : undefined;
}

function withCarried(item: ClientItem, carried: ReadonlyMap<string, CarriedCall>): ClientItem {
  const call = carried.size > 0 && item.id ? carried.get(item.id) : undefined;
  if (call?.type !== item.type || !call.function) return item;
  return { ...item, function: call.function } as ClientItem; // it is of this type
}
