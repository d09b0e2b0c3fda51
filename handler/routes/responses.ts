import type { Context } from 'hono';
import { type ApiError, missing } from '../errors.ts';
import type { ResponseEvent } from '../protocol/events.ts';
import { CreateRequest } from '../protocol/request.ts';
import type { Response as ResponseObject } from '../protocol/response.ts';
import { eventStream } from '../sse.ts';
import { readPast } from '../state/history.ts';
import { findMade } from '../state/idempotency.ts';
import { recordTurn } from '../state/record.ts';
import { getResponse } from '../state/responses.ts';
import { type Bounds, startBounds } from '../turn/bounds.ts';
import { openCompactions } from '../turn/compaction.ts';
import { planTurn } from '../turn/plan.ts';
import { applyPrompt } from '../turn/prompt.ts';
import { unrecorded } from '../turn/record.ts';
import { runTurn } from '../turn/turn.ts';
import { check } from '../validate.ts';
import { startBackground, streamBackground } from './background.ts';
import { readJson } from './body.ts';
import type { Env, Services } from './env.ts';
import { readKey } from './idempotency.ts';
import { obfuscate } from './obfuscate.ts';
import { resolveReferences, takeTrigger } from './references.ts';
import { replay } from './replay.ts';
import { openReasoning } from './sealed.ts';
import { STREAM_HEADERS } from './stream.ts';

/**
 * `POST /v1/responses`: runs one turn, and replies with its events or with the response that they make. What was asked
 * before under the same key is not run again.
 */
export async function createResponse(c: Context<Env>, services: Services): Promise<Response> {
  const { limits, scope } = services;
  const entry = c.get('entry');
  const sent = check(CreateRequest, await readJson(c.req.raw, limits, services.brotli));
  const { model, ...request } = applyPrompt(sent, services.prompts);
  if (model == null) throw missing('model');
  entry.model = model;
  entry.streaming = request.stream === true;
  const key = await readKey(c, sent);
  const made = key && (await findMade(scope, key));
  if (made) return repeat(c, services, await getResponse(scope, made), sent);
  const { backend, context } = services.models.find(model);
  const past = await readPast(scope, request);
  const given = takeTrigger(request.input);
  const input = Array.isArray(given.input)
    ? await openReasoning(services.seal, await resolveReferences(scope, given.input, 'input'))
    : given.input;
  const planned = { ...request, model, input, compacts: given.compacts };
  const turn = planTurn(planned, services.tools, past, context);
  turn.call.input = await openCompactions(services.seal, turn.call.input);
  entry.response = turn.response.id;
  const { response } = turn;
  if (response.background) {
    backend.generate(turn.call, AbortSignal.abort()); // says at once what it cannot carry, and sends nothing unless pulled
    await startBackground(services, { response, input: turn.input, past, key }, planned);
    return request.stream ? streamBackground(c, services, response, sent) : c.json(response);
  }
  const stored = response.store ? recordTurn(scope, { response, input: turn.input, past, key }) : undefined;

  const bounds = startBounds(c.req.raw.signal, limits);
  const whole = Promise.withResolvers<void>();
  const ended = () => {
    bounds.end();
    whole.resolve();
  };
  let streamed = false;
  try {
    const sealed = request.include?.includes('reasoning.encrypted_content');
    const means = {
      backend,
      rounds: limits.rounds,
      waiting: bounds.waiting,
      record: stored ?? unrecorded,
      seal: services.seal,
      sealsReasoning: sealed ?? false,
    };
    const plain = runTurn(turn, means, bounds.signal);
    const events = request.stream_options?.include_obfuscation ? obfuscate(plain) : plain;
    await stored?.begin();
    // What a client that leaves has begun is still to be written down.
    c.env.waitUntil?.(whole.promise);
    if (!request.stream) return c.json(await lastResponse(events, bounds));
    const { abort, signal, spend } = bounds;
    const reader = {
      abort,
      signal,
      spend,
      keepAlive: limits.keepAlive,
      ended(failure: unknown) {
        ended();
        entry.failure = failure;
        entry.end();
      },
    };
    streamed = true;
    return c.body(eventStream(events, reader), 200, STREAM_HEADERS);
  } finally {
    if (!streamed) ended();
  }
}

/** Replies with a response that was made for the same request before. */
function repeat(c: Context<Env>, services: Services, response: ResponseObject, request: CreateRequest): Response {
  const entry = c.get('entry');
  entry.response = response.id;
  c.header('idempotent-replayed', 'true');
  if (!request.stream) return c.json(response);
  if (response.background) return streamBackground(c, services, response, request);
  const plain = replay(response);
  const events = request.stream_options?.include_obfuscation ? obfuscate(plain) : plain;
  const reader = {
    signal: c.req.raw.signal,
    keepAlive: services.limits.keepAlive,
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
