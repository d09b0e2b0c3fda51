import { type Past, type PastReference, readPast } from '../state/history.ts';
import { heldIn } from '../state/references.ts';
import type { Scope } from '../state/scope.ts';
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
  /** Where the history is kept, for what is written after it. */
  past: Past;
  /** Whether it is in no database. */
  recalled: boolean;
}

/** Knows the past of a request that is kept nowhere but here. */
export type Recall = (request: PastReference) => Past | undefined;

/** Reads what a request refers to and what was before it. Throws an ApiError for what is not there, or cannot be gone on from. */
export async function gather(
  services: Pick<Services, 'seal' | 'findMedia'>,
  ctx: Pick<RequestContext, 'store'>,
  request: CompleteRequest,
  recall: Recall,
): Promise<Gathered> {
  const { store } = ctx;
  const recalled = recall(request);
  const past = recalled ?? (await readPast(store, request));
  const { items, previous, conversation } = past;
  const given = takeTrigger(request.input);
  const input = Array.isArray(given.input)
    ? await takeItems(services, ctx, given.input, 'input', request.prompted)
    : given.input;
  const held = await heldItems(store, past, input);
  const sealed = latestCompaction(items, Array.isArray(input) ? input : []);
  const summaries = await openSummaries(services.seal(store.tenant), sealed ? [sealed] : []);
  return {
    request: { ...request, input, held, compacts: request.compacts || given.compacts },
    history: { items, previous, conversation, summaries },
    past,
    recalled: recalled !== undefined,
  };
}

/**
 * Ids of items that a client repeats of what its conversation holds: once that is summed up, they are not among what is read.
 * A round trip only where there may be any.
 */
async function heldItems(store: Scope, { conversation }: Past, input: ResolvedRequest['input']) {
  if (!conversation?.summedUp || !Array.isArray(input)) return undefined;
  const ids = input.flatMap(({ id }) => id ?? []);
  const held = await heldIn(store, conversation.id, ids);
  return held.length > 0 ? held : undefined;
}
