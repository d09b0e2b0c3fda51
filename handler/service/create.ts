import { withObfuscation } from '../events/obfuscate.ts';
import { replay } from '../events/replay.ts';
import { beforeTurn } from '../hooks/before.ts';
import type { CreateRequest } from '../protocol/request.ts';
import type { Response } from '../protocol/response.ts';
import { findResponse } from '../state/idempotency.ts';
import { getResponse } from '../state/responses.ts';
import { prepareFirst } from '../turn/first-call.ts';
import { followResponse, startBackground } from './background.ts';
import { type CompleteRequest, completeRequest } from './complete.ts';
import { type RequestContext, requireScope } from './context.ts';
import type { EventFeed } from './feed.ts';
import { readKey } from './idempotency.ts';
import { planRequest } from './plan.ts';
import type { Services } from './services.ts';
import { startTurn } from './start.ts';

/** The result of a create. */
export interface Created {
  response: Response;
  /** The events that make it, to be run to their end; absent if the response is already there. */
  feed?: EventFeed;
  /** What is left of the limits that hold for a turn in the background, as headers; the feed of any other has them. */
  rateLimits?: Readonly<Record<string, string>> | undefined;
  /** Whether it was made before, for the same request under the same key. */
  repeated: boolean;
}

/**
 * Starts the turn of a request, in the background if it says so. A request under a known `key` is not run again.
 * Throws an ApiError for what cannot be honoured.
 */
export async function createResponse(
  services: Services,
  ctx: RequestContext,
  request: CreateRequest & Pick<CompleteRequest, 'stops'>,
  key?: string,
): Promise<Created> {
  const { store, log } = ctx;
  if (request.background) requireScope(ctx.caller, 'background');
  log.streaming = request.stream === true;
  const complete = completeRequest(services, ctx, await beforeTurn(services, ctx.caller, request));
  const idempotency = await readKey(key, request);
  const earlierId = idempotency && (await findResponse(store, idempotency));
  if (earlierId) return repeat(services, ctx, await getResponse(store, earlierId), request);
  const planned = await planRequest(services, ctx, complete);
  const { turn, origin, prepare } = planned;
  const { response } = turn;
  log.response = response.id;
  if (!response.background) {
    const start = { key: idempotency, kind: request.stream ? 'stream' : 'turn' } as const;
    return { response, feed: await startTurn(services, ctx, planned, start), repeated: false };
  }
  prepareFirst(prepare, turn); // refuses what its server cannot carry: it is made later, from what is kept
  const newTurn = { response, input: turn.input, origin, key: idempotency };
  const rateLimits = await startBackground(services, ctx, newTurn, planned);
  return {
    response,
    ...(request.stream && { feed: followResponse(services, ctx, response, request) }),
    rateLimits,
    repeated: false,
  };
}

/** A response that was made for the same request before. */
function repeat(services: Services, ctx: RequestContext, response: Response, request: CreateRequest): Created {
  ctx.log.response = response.id;
  if (!request.stream) return { response, repeated: true };
  if (response.background) return { response, feed: followResponse(services, ctx, response, request), repeated: true };
  const { signal } = ctx;
  const feed = { events: withObfuscation(replay(response), request), signal, abort() {}, countBytes() {}, ended() {} };
  return { response, feed, repeated: true };
}
