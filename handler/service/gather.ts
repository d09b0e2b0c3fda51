import type { Item } from '../items/item.ts';
import { type HistoryReference, readHistory, type TurnOrigin } from '../state/history.ts';
import type { ChainItems } from '../state/history-cache.ts';
import { idsInConversation } from '../state/references.ts';
import type { TenantStore } from '../state/tenant-store.ts';
import { latestCompaction, openSummaries } from '../turn/compaction.ts';
import type { History } from '../turn/history.ts';
import type { ResolvedRequest } from '../turn/request.ts';
import { takeItems } from './client-items.ts';
import type { CompleteRequest } from './complete.ts';
import type { RequestContext } from './context.ts';
import { takeTrigger } from './references.ts';
import type { Services } from './services.ts';

/** A request with its history: all that its turn needs, read and unsealed. */
export interface Gathered {
  request: ResolvedRequest;
  history: History;
  /** Where the turn is written: after which response, in which conversation. */
  origin: TurnOrigin;
  /** The history, if it is all of a stored chain. */
  chain: ChainItems | undefined;
  /** History items that are in no database. */
  unstored: readonly Item[];
}

/** A history that is in no database. */
export type UnstoredHistory = Pick<History, 'items' | 'previous'>;

/** Finds a history that is in no database. */
export type Recall = (request: HistoryReference) => UnstoredHistory | undefined;

/**
 * Reads the history of a request and the items it refers to. Throws an ApiError for what is missing or cannot be
 * continued.
 */
export async function gather(
  services: Pick<Services, 'seal' | 'findMedia'>,
  ctx: Pick<RequestContext, 'store' | 'log'>,
  request: CompleteRequest,
  recall: Recall,
): Promise<Gathered> {
  const { store } = ctx;
  const unstoredHistory = recall(request);
  const history = unstoredHistory
    ? { ...unstoredHistory, chainStart: null, conversation: null, size: undefined }
    : await readHistory(store, request);
  const { items, previous, conversation, size } = history;
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
    chain: size === undefined ? undefined : { items, size },
    unstored: unstoredHistory ? items : [],
  };
}

/**
 * Ids of input items that the conversation already holds. After a compaction these are not in the history that is
 * read. A round trip only if there may be any.
 */
async function findRepeatedIds(store: TenantStore, { conversation }: TurnOrigin, input: ResolvedRequest['input']) {
  if (!conversation?.isCompacted || !Array.isArray(input)) return undefined;
  const ids = input.flatMap(({ id }) => id ?? []);
  const repeatedIds = await idsInConversation(store, conversation.id, ids);
  return repeatedIds.length > 0 ? repeatedIds : undefined;
}
