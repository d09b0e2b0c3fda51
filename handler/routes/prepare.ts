import type { Backend } from '../backend/backend.ts';
import { missing } from '../errors.ts';
import type { CreateRequest } from '../protocol/request.ts';
import { type Past, type PastReference, readPast } from '../state/history.ts';
import { type PlannedRequest, planTurn } from '../turn/plan.ts';
import { applyPrompt } from '../turn/prompt.ts';
import type { Turn } from '../turn/turn.ts';
import type { Entry, Services } from './env.ts';
import { resolveReferences } from './references.ts';
import { openReasoning } from './sealed.ts';

/** A request put together with what was before it: nothing has been promised or written yet. */
export interface PreparedTurn {
  request: PlannedRequest;
  turn: Turn;
  past: Past;
  /** Whether the past is in no database. */
  recalled: boolean;
  backend: Backend;
}

/** A request that names its model. */
export type CompleteRequest = CreateRequest & { model: string };

/** A checked request with its prompt filled in; throws an ApiError without a model, or for what is wrong with the prompt. */
export function completeRequest(
  { prompts }: Services,
  sent: CreateRequest,
  entry: Pick<Entry, 'model'>,
): CompleteRequest {
  const { model, ...request } = applyPrompt(sent, prompts);
  if (model == null) throw missing('model');
  entry.model = model;
  return { ...request, model };
}

/**
 * Prepares the turn that a request asks for, from whichever door; `recall` knows of responses that are kept nowhere.
 * Throws an ApiError for what cannot be honoured.
 */
export async function prepareTurn(
  services: Services,
  request: CompleteRequest,
  entry: Pick<Entry, 'response'>,
  recall: (request: PastReference) => Past | undefined = () => undefined,
): Promise<PreparedTurn> {
  const { scope } = services;
  const { backend, context } = services.models.find(request.model);
  const recalled = recall(request);
  const past = recalled ?? (await readPast(scope, request));
  const input = Array.isArray(request.input)
    ? await openReasoning(services.seal, await resolveReferences(scope, request.input))
    : request.input;
  const planned = { ...request, input };
  const turn = planTurn(planned, services.tools, past, context);
  entry.response = turn.response.id;
  return { request: planned, turn, past, recalled: recalled !== undefined, backend };
}
