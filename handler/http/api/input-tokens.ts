import type { Context } from 'hono';
import { CountRequest, type InputTokens } from '../../protocol/count-request.ts';
import type { RequestContext } from '../../service/context.ts';
import * as service from '../../service/count.ts';
import { checkLengths } from '../../service/lengths.ts';
import type { Services } from '../../service/services.ts';
import { check } from '../../validate.ts';
import { readJson } from '../body.ts';
import type { Env } from '../env.ts';

/** `POST /v1/responses/input_tokens`. */
export async function countInput(c: Context<Env>, services: Services, ctx: RequestContext): Promise<Response> {
  const sent = check(CountRequest, checkLengths(await readJson(c, services), services.limits));
  const input_tokens = await service.countInput(services, ctx, sent);
  return c.json<InputTokens>({ object: 'response.input_tokens', input_tokens });
}
