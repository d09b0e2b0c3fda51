import { type ApiError, toApiError, unsupported } from '../errors.ts';
import type { ResponseEvent } from '../events/events.ts';
import { beforeTurn } from '../hooks/before.ts';
import type { JsonObject } from '../protocol/json.ts';
import { CreateEvent } from '../protocol/websocket.ts';
import { checkCreate } from '../service/check-create.ts';
import { completeRequest } from '../service/complete.ts';
import type { RequestContext } from '../service/context.ts';
import { type PlannedTurn, planRequest } from '../service/plan.ts';
import type { Services } from '../service/services.ts';
import { startTurn } from '../service/start.ts';
import { check } from '../validate.ts';
import type { ResponseMemory } from './memory.ts';
import { refusal } from './server-events.ts';
import { withoutModel } from './warm-up.ts';

/** Sends a text; resolves when more may be sent, and is undefined when it may be at once. */
export type SendText = (text: string) => Promise<void> | undefined;

/** Runs the turn of an event, and sends its events, or the error, each encoded by `encode`. Never rejects. */
export async function takeTurn(
  event: JsonObject,
  services: Services,
  ctx: RequestContext,
  memory: ResponseMemory,
  encode: (event: object) => string,
  send: SendText,
): Promise<void> {
  const { log } = ctx;
  try {
    const planned = await plan(event, services, ctx, memory);
    log.response = planned.turn.response.id;
    const start = { kind: event.generate === false ? undefined : 'websocket' } as const; // to warm up calls no model
    const { events, signal, countBytes, ended } = await startTurn(services, ctx, planned, start);
    try {
      for (;;) {
        const next = await events.next();
        if (next.done) {
          log.failure = next.value;
          break;
        }
        remember(memory, planned, next.value);
        if (next.value.type === 'response.failed') forgetPrevious(memory, event);
        const text = encode(next.value);
        countBytes(text.length);
        log.bytes += text.length;
        const full = send(text);
        // An aborted turn is sent to its end without waiting for the reader.
        if (full && !signal.aborted) await sentOrAborted(full, signal);
      }
    } finally {
      ended();
    }
  } catch (error) {
    const failure = toApiError(error);
    log.failure = failure;
    forgetPrevious(memory, event, failure);
    await send(encode(refusal(failure, ctx.errors)));
  } finally {
    log.end();
  }
}

async function plan(
  event: JsonObject,
  services: Services,
  ctx: RequestContext,
  memory: ResponseMemory,
): Promise<PlannedTurn> {
  const createEvent = check(
    CreateEvent,
    checkCreate(isBare(event) ? { ...event, input: null } : event, services.limits),
  );
  if (createEvent.background) throw unsupported('background', 'is not supported over a WebSocket: send it over HTTP');
  // A stream, whatever it says: it is one here.
  const asked = await beforeTurn(services, ctx.caller, { ...createEvent, stream: true });
  const complete = completeRequest(services, ctx, asked);
  const warmsUp = createEvent.generate === false;
  const request = warmsUp ? { ...complete, input: complete.input ?? [] } : complete;
  const planned = await planRequest(services, ctx, request, (request) => memory.recall(request));
  return warmsUp ? { ...planned, prepare: withoutModel(planned.prepare) } : planned;
}

/** Whether an event warms up without any input, as an empty list. */
function isBare({ generate, input }: JsonObject): boolean {
  return generate === false && Array.isArray(input) && input.length === 0;
}

/** Remembers a response before its terminal event is sent, since the client may follow up at once. */
function remember(memory: ResponseMemory, { history, turn }: PlannedTurn, event: ResponseEvent): void {
  if (event.type !== 'response.completed' && event.type !== 'response.incomplete') return;
  const { response } = event;
  if (!response.store) memory.keep(response.id, history, [...turn.input, ...response.output]);
}

/**
 * Forgets the response that a turn could not continue, as OpenAI does, so that nobody builds on what failed. After a
 * refusal that asks to try again it is still needed.
 */
function forgetPrevious(memory: ResponseMemory, { previous_response_id: previous }: JsonObject, refusal?: ApiError) {
  if (typeof previous === 'string' && refusal?.headers['x-should-retry'] !== 'true') memory.forget(previous);
}

function sentOrAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    promise.then(done);
  });
}
