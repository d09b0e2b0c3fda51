import type { InputItem } from '../protocol/items.ts';
import { findItems } from '../state/references.ts';
import type { Scope } from '../state/scope.ts';
import type { GivenItem } from '../turn/items.ts';

/** An input with each `item_reference` replaced by the item; one round trip if there is any. Throws 404. */
export async function resolveReferences(scope: Scope, input: readonly InputItem[]): Promise<GivenItem[]> {
  const ids = input.flatMap((item) => (item.type === 'item_reference' ? [item.id] : []));
  if (ids.length === 0) return input as GivenItem[]; // what is not here is all that the type leaves out
  const found = await findItems(scope, ids);
  // A kept item is one that a client could have sent.
  return input.map((item) => (item.type === 'item_reference' ? (found.get(item.id) as GivenItem) : item));
}
