import { toApiError, unsupported } from '../errors.ts';
import type { ResponseEvent } from '../events/events.ts';
import type { JsonObject } from '../protocol/json.ts';
import { CreateEvent } from '../protocol/websocket.ts';
import { completeRequest } from '../service/complete.ts';
import type { RequestContext } from '../service/context.ts';
import { checkLengths } from '../service/lengths.ts';
import { type PlannedTurn, planRequest } from '../service/plan.ts';
import type { Services } from '../service/services.ts';
import { startTurn } from '../service/start.ts';
import { check } from '../validate.ts';
import type { Memory } from './memory.ts';
import { refusal } from './server-events.ts';
import { silent } from './warm-up.ts';

/** Sends a text; resolves when more may be sent, and is undefined when it may be at once. */
export type Send = (text: string) => Promise<void> | undefined;

/**
 * Makes the response that an event asks for, and sends its events, each as `encode` writes it, or the error that it comes to.
 * Never rejects.
 */
export async function takeTurn(
  event: JsonObject,
  services: Services,
  ctx: RequestContext,
  memory: Memory,
  encode: (event: object) => string,
  send: Send,
): Promise<void> {
  const { log } = ctx;
  try {
    const planned = await plan(event, services, ctx, memory);
    log.response = planned.turn.response.id;
    const { events, signal, spend, ended } = await startTurn(services, ctx, planned);
    try {
      for (;;) {
        const next = await events.next();
        if (next.done) {
          log.failure = next.value;
          break;
        }
        remember(memory, planned, next.value);
        const text = encode(next.value);
        spend(text.length);
        const full = send(text);
        // A turn that was ended from outside is told to its end, whether anybody reads or not.
        if (full && !signal.aborted) await unlessAborted(full, signal);
      }
    } finally {
      ended();
    }
  } catch (error) {
    log.failure = toApiError(error);
    await send(encode(refusal(toApiError(error), services.errors)));
  } finally {
    log.end();
  }
}

async function plan(event: JsonObject, services: Services, ctx: RequestContext, memory: Memory): Promise<PlannedTurn> {
  const sent = check(CreateEvent, checkLengths(isBare(event) ? { ...event, input: null } : event, services.limits));
  if (sent.background) throw unsupported('background', 'is not supported over a WebSocket: send it over HTTP');
  const asked = completeRequest(services, ctx, { ...sent, stream: true }); // whatever it says, as it is one here
  const warmsUp = sent.generate === false;
  const whole = warmsUp ? { ...asked, input: asked.input ?? [] } : asked;
  const planned = await planRequest(services, ctx, whole, (request) => memory.recall(request));
  return warmsUp ? { ...planned, prepare: silent(planned.prepare) } : planned;
}

/** Whether an event warms up without any input, as an empty list. */
function isBare({ generate, input }: JsonObject): boolean {
  return generate === false && Array.isArray(input) && input.length === 0;
}

/** Before the client hears of the response's end, since it may go on at once. */
function remember(memory: Memory, { history, turn }: PlannedTurn, event: ResponseEvent): void {
  if (event.type !== 'response.completed' && event.type !== 'response.incomplete') return;
  const { response } = event;
  if (!response.store) memory.keep(response.id, history, [...turn.input, ...response.output]);
}

function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    promise.then(done);
  });
}
