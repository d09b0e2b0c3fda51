import type { Prepare } from '../backend/backend.ts';
import { missing } from '../errors.ts';
import type { Item } from '../items/item.ts';
import { refuseMedia } from '../media.ts';
import type { CreateRequest } from '../protocol/request.ts';
import { type Past, type PastReference, readPast } from '../state/history.ts';
import { heldIn } from '../state/references.ts';
import type { Scope } from '../state/scope.ts';
import { openCompactions } from '../turn/compaction.ts';
import { type PlannedRequest, planTurn } from '../turn/plan.ts';
import { applyPrompt, type PromptedRequest } from '../turn/prompt.ts';
import type { Turn } from '../turn/turn.ts';
import type { RequestContext } from './context.ts';
import { takeItems } from './given-items.ts';
import { checkTools } from './lengths.ts';
import { takeTrigger } from './references.ts';
import type { Services } from './services.ts';

/** A request put together with what was before it: nothing has been promised or written yet. */
export interface PreparedTurn {
  request: PlannedRequest;
  turn: Turn;
  past: Past;
  /** Whether the past is in no database. */
  recalled: boolean;
  /** Prepares a call of its model. */
  prepare: Prepare;
  /** Tokens that the model holds, if the configuration says. */
  context: number | undefined;
  /** What the model is to read, with the summaries in it as they are kept. */
  heard: readonly Item[];
}

/** A request with its prompt filled in, that names its model; one that `compacts` need not say so in its input. */
export type CompleteRequest = PromptedRequest & { model: string; compacts?: boolean };

/** A checked request with its prompt filled in; throws an ApiError without a model, or for what is wrong with the prompt. */
export function completeRequest(
  { prompts, findMedia }: Services,
  { log }: Pick<RequestContext, 'log'>,
  sent: CreateRequest,
): CompleteRequest {
  for (const [name, value] of Object.entries(sent.prompt?.variables ?? {}))
    if (typeof value !== 'string') refuseMedia(findMedia([value]), () => `prompt.variables.${name}`);
  const { model, ...request } = applyPrompt(sent, prompts);
  if (model == null) throw missing('model');
  log.model = model;
  return { ...request, model };
}

/**
 * Prepares the turn that a request asks for, however it came in; `recall` knows of responses that are kept nowhere.
 * Throws an ApiError for what cannot be honoured.
 */
export async function prepareTurn(
  services: Services,
  ctx: Pick<RequestContext, 'store'>,
  request: CompleteRequest,
  recall: (request: PastReference) => Past | undefined = () => undefined,
): Promise<PreparedTurn> {
  const { store } = ctx;
  const { prepare, context } = services.models.find(request.model);
  const recalled = recall(request);
  const past = recalled ?? (await readPast(store, request));
  const given = takeTrigger(request.input);
  const input = Array.isArray(given.input)
    ? await takeItems(services, ctx, given.input, 'input', request.prompted)
    : given.input;
  const held = await heldItems(store, past, input);
  const planned = { ...request, input, held, compacts: request.compacts || given.compacts };
  const turn = planTurn(planned, services.tools, past, context);
  checkTools('tools', (turn.most ?? turn.call).tools, services.limits.tools, ', those of earlier turns included');
  const heard = turn.call.input;
  turn.call.input = await openCompactions(services.seal(store.tenant), heard);
  return { request: planned, turn, past, recalled: recalled !== undefined, prepare, context, heard };
}

/**
 * Ids of items that a client repeats of what its conversation holds: once that is summed up, they are not among what is read.
 * A round trip only where there may be any.
 */
async function heldItems(store: Scope, { conversation }: Past, input: PlannedRequest['input']) {
  if (!conversation?.summedUp || !Array.isArray(input)) return undefined;
  const ids = input.flatMap(({ id }) => id ?? []);
  const held = await heldIn(store, conversation.id, ids);
  return held.length > 0 ? held : undefined;
}
