import type { Context } from 'hono';
import { CompactRequest } from '../../protocol/compact.ts';
import * as service from '../../service/compact.ts';
import type { RequestContext } from '../../service/context.ts';
import { checkLengths } from '../../service/lengths.ts';
import type { Services } from '../../service/services.ts';
import { check } from '../../validate.ts';
import { readJson } from '../body.ts';
import type { Env } from '../env.ts';
import { sendJson } from '../reply.ts';

/** `POST /v1/responses/compact`. */
export async function compactConversation(c: Context<Env>, services: Services, ctx: RequestContext): Promise<Response> {
  const sent = check(CompactRequest, checkLengths(await readJson(c, services), services.limits));
  return sendJson(c, await service.compactConversation(services, ctx, sent));
}
