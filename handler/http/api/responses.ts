import type { Context } from 'hono';
import type { ApiError } from '../../errors.ts';
import type { ResponseEvent } from '../../events/events.ts';
import { asAsked } from '../../events/obfuscate.ts';
import { replay } from '../../events/replay.ts';
import { eventStream } from '../../events/sse.ts';
import { CreateRequest } from '../../protocol/request.ts';
import type { Response as ResponseObject } from '../../protocol/response.ts';
import { counted } from '../../service/counts.ts';
import type { Env, Services } from '../../service/env.ts';
import { completeRequest, prepareTurn } from '../../service/prepare.ts';
import { startTurn } from '../../service/start.ts';
import { findMade } from '../../state/idempotency.ts';
import { getResponse } from '../../state/responses.ts';
import type { Bounds } from '../../turn/bounds.ts';
import { prepareFirst } from '../../turn/first-call.ts';
import { check } from '../../validate.ts';
import { readJson } from '../body.ts';
import { readKey } from '../idempotency.ts';
import { openReply, sendJson } from '../reply.ts';
import { STREAM_HEADERS } from '../stream.ts';
import { startBackground, streamBackground } from './background.ts';

/**
 * `POST /v1/responses`: runs one turn, and replies with its events or with the response that they make. What was asked
 * before under the same key is not run again.
 */
export async function createResponse(c: Context<Env>, services: Services): Promise<Response> {
  const { limits, scope } = services;
  const entry = c.get('entry');
  const sent = check(
    CreateRequest,
    counted(await readJson(c.req.raw, limits, services.codecs, services.scope.memory), limits),
  );
  entry.streaming = sent.stream === true;
  const asked = completeRequest(services, sent, entry);
  const key = await readKey(c, sent);
  const made = key && (await findMade(scope, key));
  if (made) return repeat(c, services, await getResponse(scope, made), sent);
  const prepared = await prepareTurn(services, asked, entry);
  const { turn, past, prepare, request } = prepared;
  const { response } = turn;
  if (response.background) {
    prepareFirst(prepare, turn); // refuses what its server cannot carry: it is made later, from what is kept
    await startBackground(services, { response, input: turn.input, past, key }, request);
    return request.stream ? streamBackground(c, services, response, sent) : sendJson(c, response);
  }

  const { events, bounds, ended } = await startTurn(services, prepared, {
    client: c.req.raw.signal,
    ingress: c.env,
    key,
  });
  if (!request.stream) {
    try {
      return sendJson(c, await lastResponse(events, bounds));
    } finally {
      ended();
    }
  }
  const { abort, signal, spend } = bounds;
  const reader = {
    abort,
    signal,
    spend,
    keepAlive: limits.keepAlive,
    held: openReply(c),
    ended(failure: unknown) {
      ended();
      entry.failure = failure;
      entry.end();
    },
  };
  return c.body(eventStream(events, reader), 200, STREAM_HEADERS);
}

/** Replies with a response that was made for the same request before. */
function repeat(c: Context<Env>, services: Services, response: ResponseObject, request: CreateRequest): Response {
  const entry = c.get('entry');
  entry.response = response.id;
  c.header('idempotent-replayed', 'true');
  if (!request.stream) return sendJson(c, response);
  if (response.background) return streamBackground(c, services, response, request);
  const events = asAsked(replay(response), request);
  const reader = {
    signal: c.req.raw.signal,
    keepAlive: services.limits.keepAlive,
    held: openReply(c),
    abort() {},
    spend() {},
    ended: () => entry.end(),
  };
  return c.body(eventStream(events, reader), 200, STREAM_HEADERS);
}

async function lastResponse(
  events: AsyncGenerator<ResponseEvent, ApiError | undefined>,
  bounds: Bounds,
): Promise<ResponseObject | undefined> {
  let response: ResponseObject | undefined;
  for (;;) {
    const next = await events.next();
    if (next.done) {
      if (next.value) throw next.value;
      return response;
    }
    if ('response' in next.value) response = next.value.response;
    else if ('delta' in next.value && typeof next.value.delta === 'string') bounds.spend(next.value.delta.length);
  }
}
