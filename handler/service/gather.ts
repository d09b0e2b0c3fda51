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
export type UnstoredHistory = Pick<History, 'items' | 'previous'>;

/** Knows of histories that are in no database. */
export type Recall = (request: HistoryReference) => UnstoredHistory | undefined;

/** Reads what a request refers to and what was before it. Throws an ApiError for what is not there, or cannot be gone on from. */
export async function gather(
  services: Pick<Services, 'seal' | 'findMedia'>,
  ctx: Pick<RequestContext, 'store'>,
  request: CompleteRequest,
  recall: Recall,
): Promise<Gathered> {
  const { store } = ctx;
  const unstoredHistory = recall(request);
  const history = unstoredHistory
    ? { ...unstoredHistory, chainStart: null, conversation: null }
    : await readHistory(store, request);
  const { items, previous, conversation } = history;
  const parsed = takeTrigger(request.input);
  const input = Array.isArray(parsed.input)
    ? await takeItems(services, ctx, parsed.input, 'input', request.prompted)
    : parsed.input;
  const repeatedIds = await findRepeatedIds(store, history, input);
  const sealed = latestCompaction(items, Array.isArray(input) ? input : []);
  const summaries = await openSummaries(services.seal(store.tenant), sealed ? [sealed] : []);
  return {
    request: { ...request, input, held: repeatedIds, compacts: request.compacts || parsed.compacts },
    history: { items, previous, conversation, summaries },
    origin: unstoredHistory ? { ...history, previous: null } : history,
    unstored: unstoredHistory ? items : [],
  };
}

/**
 * Ids of items that a client repeats of what its conversation holds: once that is summed up, they are not among what is read.
 * A round trip only where there may be any.
 */
async function findRepeatedIds(store: TenantStore, { conversation }: TurnOrigin, input: ResolvedRequest['input']) {
  if (!conversation?.summedUp || !Array.isArray(input)) return undefined;
  const ids = input.flatMap(({ id }) => id ?? []);
  const repeatedIds = await idsInConversation(store, conversation.id, ids);
  return repeatedIds.length > 0 ? repeatedIds : undefined;
}
