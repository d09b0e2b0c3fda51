import type { Prepare } from '../backend/backend.ts';
import { toApiError } from '../errors.ts';
import { withModelNames } from '../routing/model-names.ts';
import type { RoutedModel } from '../routing/models.ts';
import { watchCalls, watchTools } from '../telemetry/telemetry.ts';
import { contextFor, prepareFor } from '../turn/overflow.ts';
import { planTurn } from '../turn/plan.ts';
import { stoppingAt } from '../turn/stop-sequences.ts';
import type { Turn } from '../turn/turn.ts';
import { newTurnSummary, observeAsked, type TurnSummary } from '../turn/turn-summary.ts';
import type { CompleteRequest } from './complete.ts';
import { affinityIn, type RequestContext, requireModel } from './context.ts';
import { type Gathered, gather, type Recall } from './gather.ts';
import { checkTools } from './lengths.ts';
import type { Services } from './services.ts';

/** A planned turn: nothing has been promised or written yet. */
export interface PlannedTurn extends Gathered {
  turn: Turn;
  /** Prepares a call of its model. */
  prepare: Prepare;
  /** Whether its response names the model as its server does. */
  showsServed: boolean;
  /** What is told of it, which the request's log has too. */
  summary: TurnSummary;
}

/**
 * Gathers and plans the turn of a request; `recall` finds histories that are in no database. Throws an ApiError for
 * what cannot be honoured.
 */
export async function planRequest(
  services: Services,
  ctx: Pick<RequestContext, 'store' | 'log' | 'caller' | 'header'>,
  request: CompleteRequest,
  recall: Recall = () => undefined,
): Promise<PlannedTurn> {
  const { tools, limits } = services;
  const model = await findModel(services, request.model);
  requireModel(ctx.caller, request.model);
  const summary = newTurnSummary(request, model.address, ctx.caller, services.costs.of(request.model));
  ctx.log.turn = summary;
  const gathered = await gather(services, ctx, request, recall);
  const { previous, conversation } = gathered.origin;
  ctx.log.goesOnFrom = { response: previous ?? undefined, conversation: conversation?.id };
  const context = await contextFor(gathered.request, model, limits.listing);
  const { activity } = ctx.log;
  const planned = planTurn(gathered.request, gathered.history, {
    tools,
    caller: ctx.caller,
    limits,
    context,
    values: services.requestValues?.read(ctx.caller, ctx.header),
  });
  const turn = { ...planned, uses: watchTools(planned.uses, activity, ctx.log.requestId) };
  summary.modelInput = turn.call;
  ctx.log.leftOut = turn.leftOut ?? [];
  checkTools('tools', (turn.allTools ?? turn.call).tools, limits.tools, ', those of earlier turns included');
  const { requestId } = ctx.log;
  const calls = model.open({
    affinity: () => affinityIn(ctx.header) ?? conversation?.id,
    claimant: ctx.caller,
    requestId,
    watch: watchCalls(activity, requestId),
    asked: (server) => observeAsked(summary, server),
  });
  const whole = prepareFor(turn, model, calls);
  const { stops } = gathered.request;
  const prepare = stops ? stoppingAt(whole, stops) : whole;
  return { ...gathered, turn, prepare, summary, showsServed: model.showsServed };
}

/** The model that a request names; throws an ApiError, with the names that there are, where it is not there. */
export async function findModel(services: Services, name: string): Promise<RoutedModel> {
  try {
    return services.models.find(name);
  } catch (error) {
    throw await withModelNames(services, name, toApiError(error));
  }
}
