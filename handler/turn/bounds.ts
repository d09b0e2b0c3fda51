import { ApiError } from '../errors.ts';
import type { Limits } from '../limits.ts';

/** How often within one idle limit the silence is looked at; a silence is noticed at most this part of it late. */
const LOOKS = 8;

/** What can end a turn from outside: its client, its clock, and the size of its reply. */
export interface Bounds {
  /** Aborts with an ApiError when a limit is passed, with anything else when the client has left. */
  readonly signal: AbortSignal;
  /** The client has left. */
  abort(): void;
  /** The model said something. One increment, since it runs for every event. */
  alive(): void;
  /** The reply has grown by so many bytes. */
  spend(bytes: number): void;
  /** Stops the clock; to be called however the turn ends. */
  end(): void;
}

/** Starts the clock of a turn for a client whose leaving `client` tells. */
export function startBounds(client: AbortSignal, limits: Pick<Limits, 'turn' | 'idle' | 'reply'>): Bounds {
  const controller = new AbortController();
  const abort = () => controller.abort(client.reason);
  const stop = (what: string) => controller.abort(new ApiError('server', `The turn was ended: ${what}.`));
  if (client.aborted) abort();
  else client.addEventListener('abort', abort, { once: true });

  let said = 0;
  let seen = 0;
  let silent = 0;
  let spent = 0;
  const whole = setTimeout(() => stop(`it took longer than ${limits.turn / 1000} s`), limits.turn);
  const looks = setInterval(() => {
    silent = said === seen ? silent + 1 : 0;
    seen = said;
    if (silent >= LOOKS) stop(`the model backend was silent for ${limits.idle / 1000} s`);
  }, limits.idle / LOOKS);
  return {
    signal: controller.signal,
    abort,
    alive: () => {
      said++;
    },
    spend: (bytes) => {
      spent += bytes;
      if (spent > limits.reply && !controller.signal.aborted) stop(`its reply grew larger than ${limits.reply} bytes`);
    },
    end: () => {
      clearTimeout(whole);
      clearInterval(looks);
      client.removeEventListener('abort', abort);
    },
  };
}
