import { beforeTurn } from '../hooks/before.ts';
import type { CountRequest } from '../protocol/count-request.ts';
import { countFirstCall } from '../turn/count-first-call.ts';
import { completeRequest } from './complete.ts';
import type { RequestContext } from './context.ts';
import { planRequest } from './plan.ts';
import type { Services } from './services.ts';

/**
 * The input tokens of a create's first model call, counted by its server, else estimated. Throws what the create
 * would be refused with, also for a locked conversation, whose input is not complete yet. Stores nothing and runs no
 * model.
 */
export async function countInput(services: Services, ctx: RequestContext, request: CountRequest): Promise<number> {
  const { limits, tokenizer } = services;
  const asked = await beforeTurn(services, ctx.caller, { ...request, store: false });
  const { prepare, turn } = await planRequest(services, ctx, completeRequest(services, ctx, asked));
  const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(limits.counting)]);
  return countFirstCall(prepare, turn, { personality: request.personality, tokenizer }, signal);
}
