import type { Context } from 'hono';
import type { ModelCall } from '../../backend/backend.ts';
import { describe, log } from '../../log.ts';
import { CountRequest, type InputTokens } from '../../protocol/count-request.ts';
import { counted } from '../../service/counts.ts';
import type { Env, Services } from '../../service/env.ts';
import { completeRequest, prepareTurn } from '../../service/prepare.ts';
import { countTokens, estimateTokens } from '../../turn/estimate.ts';
import { firstCall } from '../../turn/first-call.ts';
import { checkCarried } from '../../turn/turn.ts';
import { check } from '../../validate.ts';
import { readJson } from '../body.ts';

/**
 * `POST /v1/responses/input_tokens`: the input tokens of the first model call of a create with this body, as the model's
 * server counts them, else an estimate. Refuses what the create would be refused for, a locked conversation included: what
 * the turn in it says is still to come. Stores nothing and runs no model.
 */
export async function countInput(c: Context<Env>, services: Services): Promise<Response> {
  const { limits } = services;
  const sent = check(
    CountRequest,
    counted(await readJson(c.req.raw, limits, services.codecs, services.scope.memory), limits),
  );
  const asked = completeRequest(services, sent, c.get('entry'));
  const { backend, turn } = await prepareTurn(services, asked, { response: null });
  checkCarried(backend, turn);
  const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(limits.counting)]);
  const call = await firstCall(turn, signal);
  const input_tokens =
    (await backend.countTokens?.(call, signal, sent.personality)) ?? (await estimate(call, services.tokenizer));
  return c.json<InputTokens>({ object: 'response.input_tokens', input_tokens });
}

async function estimate(call: ModelCall, load: Services['tokenizer']): Promise<number> {
  try {
    if (load) return await countTokens(call, await load());
  } catch (error) {
    log.error('the tokenizer could not count', { error: describe(error) });
  }
  return estimateTokens(call);
}
