import { unsupported } from '../errors.ts';
import type { InputItem } from '../items/input.ts';
import type { ClientItem, Item } from '../items/item.ts';
import type { CreateRequest } from '../protocol/request.ts';
import { findItems } from '../state/references.ts';
import type { TenantStore } from '../state/tenant-store.ts';

/**
 * The items of a request's member `param` with each `item_reference` replaced by the item; one round trip if there is any. A
 * client that splits an item by its parts refers to it for each: it stands where the first does. A call that a server has run, and that a
 * client sends back without its output, as the Agents SDK does, or without our own member, as pydantic-ai does, gets what is kept of it.
 * Throws 404, and 422 for a `compaction_trigger`, which is no item to be kept.
 */
export async function resolveReferences(
  store: TenantStore,
  input: readonly InputItem[],
  param: string,
): Promise<ClientItem[]> {
  const trigger = input.findIndex(({ type }) => type === 'compaction_trigger');
  if (trigger >= 0)
    throw unsupported(`${param}[${trigger}].type`, 'may be compaction_trigger only at the end of an input');
  const ids = input.flatMap((item) => (item.type === 'item_reference' ? [item.id] : []));
  const referred = new Set(ids);
  const cut = new Set(input.flatMap((item) => (isCut(item) && !referred.has(item.id) ? [item.id] : [])));
  if (ids.length + cut.size === 0) return input as ClientItem[]; // what is not here is all that the type leaves out
  const found = await findItems(store, [...referred, ...cut], cut);
  // A kept item is one that a client could have sent; and there is no trigger any more.
  return input.flatMap((item) => {
    if (isCut(item)) return withOutput(item, found.get(item.id));
    if (item.type !== 'item_reference') return item as ClientItem; // what is left is no reference
    const kept = found.get(item.id);
    found.delete(item.id);
    return kept ?? [];
  });
}

/** The calls of hosted tools: what a model read of them is a member of ours, which clients that know the members leave out. */
type HostedType = 'web_search_call' | 'code_interpreter_call' | 'file_search_call' | 'image_generation_call';

type CutCall = Extract<InputItem, { type: 'mcp_call' | HostedType }> & { id: string };

/** Whether an item is a call without what came of it. */
function isCut(item: InputItem): item is CutCall {
  if (!('id' in item) || typeof item.id !== 'string') return false;
  if (item.type === 'mcp_call') return item.output == null && item.error == null;
  return isHosted(item) && item.function == null;
}

function isHosted<T extends InputItem | Item>(item: T): item is T & { type: HostedType } {
  const { type } = item;
  return (
    type === 'web_search_call' ||
    type === 'code_interpreter_call' ||
    type === 'file_search_call' ||
    type === 'image_generation_call'
  );
}

/** The call with what is kept of it, if that is the same call. */
function withOutput(item: CutCall, kept: Item | undefined): ClientItem {
  if (item.type !== 'mcp_call') {
    const run = kept?.type === item.type ? kept.function : undefined;
    return run ? { ...item, function: run } : item;
  }
  const isSame = kept?.type === 'mcp_call' && kept.name === item.name && kept.server_label === item.server_label;
  return isSame ? { ...item, output: kept.output, error: kept.error && { ...kept.error } } : item;
}

/** An input without the `compaction_trigger` at its end, and whether there was one. */
export function takeTrigger(input: CreateRequest['input']): Pick<CreateRequest, 'input'> & { compacts: boolean } {
  const compacts = Array.isArray(input) && input.at(-1)?.type === 'compaction_trigger';
  return { input: compacts ? input.slice(0, -1) : input, compacts };
}
