import { beforeItems } from '../hooks/before.ts';
import type { InputItem } from '../items/input.ts';
import type { ClientItem, Item } from '../items/item.ts';
import { refuseMedia } from '../media.ts';
import { isCompaction, openSummaries, withSummaries } from '../turn/compaction.ts';
import { itemsOf } from '../turn/input.ts';
import { addedTools } from '../turn/tools.ts';
import type { RequestContext } from './context.ts';
import { resolveReferences } from './references.ts';
import { openReasoning } from './sealed.ts';
import type { Services } from './services.ts';

/**
 * The items of the member `param` as planned: references resolved and our reasoning opened. The first `trusted` are
 * the configuration's. Throws an ApiError that names the field.
 */
export async function takeItems(
  { seal, findMedia }: Pick<Services, 'seal' | 'findMedia'>,
  { store, log }: Pick<RequestContext, 'store' | 'log'>,
  items: readonly InputItem[],
  param: string,
  trusted = 0,
): Promise<ClientItem[]> {
  log.refersTo = items.flatMap((item) => (item.type === 'item_reference' ? [item.id] : []));
  refuseMedia(findMedia(items.slice(trusted)), (index) => `${param}[${index}]`);
  return openReasoning(seal(store.tenant), await resolveReferences(store, items, param), param);
}

/**
 * The stored form of items that a client adds to a conversation. They are checked like a turn's input, since a bad
 * one would fail every later turn. Throws an ApiError that names the field.
 */
export async function takeConversationItems(
  services: Pick<Services, 'seal' | 'findMedia' | 'tools' | 'hooks' | 'limits'>,
  ctx: Pick<RequestContext, 'store' | 'log' | 'caller'>,
  items: readonly InputItem[],
): Promise<Item[]> {
  const input = await takeItems(services, ctx, await beforeItems(services, ctx.caller, items), 'items');
  const newItems = itemsOf(input, 'items');
  addedTools(newItems, { input, prompted: 0 }, services.tools, 'items');
  const compactions = newItems.filter(isCompaction);
  withSummaries(compactions, await openSummaries(services.seal(ctx.store.tenant), compactions), 'items');
  return newItems;
}
