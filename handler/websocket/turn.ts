import { toApiError, unsupported } from '../errors.ts';
import type { ResponseEvent } from '../events/events.ts';
import type { Ingress } from '../ingress.ts';
import type { JsonObject } from '../protocol/json.ts';
import { CreateEvent } from '../protocol/websocket.ts';
import { counted } from '../service/counts.ts';
import type { Entry, Services } from '../service/env.ts';
import { completeRequest, type PreparedTurn, prepareTurn } from '../service/prepare.ts';
import { startTurn } from '../service/start.ts';
import { check } from '../validate.ts';
import type { Memory } from './memory.ts';
import { refusal } from './server-events.ts';
import { warmUp } from './warm-up.ts';

/** What the turns of a connection are made with. */
export interface TurnMeans {
  services: Services;
  memory: Memory;
  ingress: Ingress;
  /** Aborts when the client leaves. */
  client: AbortSignal;
}

/** Sends a text; resolves when more may be sent, and is undefined when it may be at once. */
export type Send = (text: string) => Promise<void> | undefined;

/**
 * Makes the response that an event asks for, and sends its events, each as `encode` writes it, or the error that it comes to.
 * Never rejects.
 */
export async function takeTurn(
  event: JsonObject,
  means: TurnMeans,
  entry: Entry,
  encode: (event: object) => string,
  send: Send,
): Promise<void> {
  const { services, memory, client, ingress } = means;
  try {
    const prepared = await prepare(event, means, entry);
    const { events, bounds, ended } = await startTurn(services, prepared, { client, ingress });
    try {
      for (;;) {
        const next = await events.next();
        if (next.done) {
          entry.failure = next.value;
          break;
        }
        remember(memory, prepared, next.value);
        const text = encode(next.value);
        bounds.spend(text.length);
        const full = send(text);
        // A turn that was ended from outside is told to its end, whether anybody reads or not.
        if (full && !bounds.signal.aborted) await unlessAborted(full, bounds.signal);
      }
    } finally {
      ended();
    }
  } catch (error) {
    entry.failure = toApiError(error);
    await send(encode(refusal(toApiError(error), services.errors)));
  } finally {
    entry.end();
  }
}

async function prepare(event: JsonObject, means: TurnMeans, entry: Entry): Promise<PreparedTurn> {
  const { services, memory } = means;
  const { generate, ...sent } = check(
    CreateEvent,
    counted(isBare(event) ? { ...event, input: null } : event, services.limits),
  );
  if (sent.background) throw unsupported('background', 'is not supported over a WebSocket: send it over HTTP');
  const asked = completeRequest(services, { ...sent, stream: true }, entry); // whatever it says, as it is one here
  const whole = generate === false ? { ...asked, input: asked.input ?? [] } : asked;
  const prepared = await prepareTurn(services, whole, entry, (request) => memory.recall(request));
  return generate === false ? warmUp(prepared) : prepared;
}

/** Whether an event warms up without any input, as an empty list. */
function isBare({ generate, input }: JsonObject): boolean {
  return generate === false && Array.isArray(input) && input.length === 0;
}

/** Before the client hears of the response's end, since it may go on at once. */
function remember(memory: Memory, { past, turn }: PreparedTurn, event: ResponseEvent): void {
  if (event.type !== 'response.completed' && event.type !== 'response.incomplete') return;
  const { response } = event;
  if (!response.store) memory.keep(response.id, past, [...turn.input, ...response.output]);
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
