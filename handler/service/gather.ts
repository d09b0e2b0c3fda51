import type { Item } from '../items/item.ts';
import { type HistoryReference, readHistory, type TurnOrigin } from '../state/history.ts';
import { idsInConversation } from '../state/references.ts';
import type { TenantStore } from '../state/tenant-store.ts';
import { latestCompaction, openSummaries } from '../turn/compaction.ts';
import type { History } from '../turn/history.ts';
import type { ResolvedRequest } from '../turn/request.ts';
import type { CompleteRequest } from './complete.ts';
import type { RequestContext } from './context.ts';
import { takeItems } from './given-items.ts';
import { takeTrigger } from './references.ts';
import type { Services } from './services.ts';

/** A request and what was before it: all that its turn needs has been read and unsealed. */
export interface Gathered {
  request: ResolvedRequest;
  history: History;
  /** What the turn is written after. */
  origin: TurnOrigin;
  /** What of its history is in no database. */
  unstored: readonly Item[];
}

/** What was before a request, where it is in no database. */
export type Recalled = Pick<History, 'items' | 'previous'>;

/** Knows of histories that are in no database. */
export type Recall = (request: HistoryReference) => Recalled | undefined;

/** Reads what a request refers to and what was before it. Throws an ApiError for what is not there, or cannot be gone on from. */
export async function gather(
  services: Pick<Services, 'seal' | 'findMedia'>,
  ctx: Pick<RequestContext, 'store'>,
  request: CompleteRequest,
  recall: Recall,
): Promise<Gathered> {
  const { store } = ctx;
  const recalled = recall(request);
  const before = recalled ? { ...recalled, chainStart: null, conversation: null } : await readHistory(store, request);
  const { items, previous, conversation } = before;
  const given = takeTrigger(request.input);
  const input = Array.isArray(given.input)
    ? await takeItems(services, ctx, given.input, 'input', request.prompted)
    : given.input;
  const held = await heldItems(store, before, input);
  const sealed = latestCompaction(items, Array.isArray(input) ? input : []);
  const summaries = await openSummaries(services.seal(store.tenant), sealed ? [sealed] : []);
  return {
    request: { ...request, input, held, compacts: request.compacts || given.compacts },
    history: { items, previous, conversation, summaries },
    origin: recalled ? { ...before, previous: null } : before,
    unstored: recalled ? items : [],
  };
}

/**
 * Ids of items that a client repeats of what its conversation holds: once that is summed up, they are not among what is read.
 * A round trip only where there may be any.
 */
async function heldItems(store: TenantStore, { conversation }: TurnOrigin, input: ResolvedRequest['input']) {
  if (!conversation?.summedUp || !Array.isArray(input)) return undefined;
  const ids = input.flatMap(({ id }) => id ?? []);
  const held = await idsInConversation(store, conversation.id, ids);
  return held.length > 0 ? held : undefined;
}
