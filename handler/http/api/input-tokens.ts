import type { Context } from 'hono';
import { CountRequest, type InputTokens } from '../../protocol/count-request.ts';
import { counted } from '../../service/counts.ts';
import type { Env, Services } from '../../service/env.ts';
import { completeRequest, prepareTurn } from '../../service/prepare.ts';
import { countFirstCall } from '../../turn/count-first-call.ts';
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
  const { prepare, turn } = await prepareTurn(services, asked, { response: null });
  const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(limits.counting)]);
  const { tokenizer } = services;
  const input_tokens = await countFirstCall(prepare, turn, { personality: sent.personality, tokenizer }, signal);
  return c.json<InputTokens>({ object: 'response.input_tokens', input_tokens });
}
