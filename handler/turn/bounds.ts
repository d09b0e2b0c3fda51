import { ApiError } from '../errors.ts';
import type { Limits } from '../limits.ts';

/** How often within one idle limit the silence is looked at; a silence is noticed at most this part of it late. */
const CHECKS_PER_LIMIT = 8;

/** What can end a turn from outside: its client, its clock, and the size of its reply. */
export interface Bounds {
  /** Aborts with an ApiError when a limit is passed, with anything else when the client has left. */
  readonly signal: AbortSignal;
  /** The client has left. */
  abort(): void;
  /** The turn fails with this. */
  fail(reason: ApiError): void;
  /** The model is being waited for, or has said something. Two assignments, since it runs for every event. */
  waiting(forModel: boolean): void;
  /** The reply has grown by so many bytes. */
  countBytes(bytes: number): void;
  /** Stops the clock; to be called however the turn ends. */
  end(): void;
}

/** Starts the clock of a turn for a client whose leaving `client` tells. */
export function startBounds(client: AbortSignal, limits: Pick<Limits, 'turn' | 'idle' | 'reply'>): Bounds {
  const controller = new AbortController();
  let isWaiting = false;
  let steps = 0;
  let lastSteps = 0;
  let silentChecks = 0;
  let total = 0;
  const turnTimer = setTimeout(() => stop(`it took longer than ${limits.turn / 1000} s`), limits.turn);
  // A reader who does not read is not the model's silence: only waiting for the model counts.
  const idleTimer = setInterval(() => {
    silentChecks = isWaiting && steps === lastSteps ? silentChecks + 1 : 0;
    lastSteps = steps;
    if (silentChecks >= CHECKS_PER_LIMIT) stop(`the model backend was silent for ${limits.idle / 1000} s`);
  }, limits.idle / CHECKS_PER_LIMIT);

  const end = () => {
    clearTimeout(turnTimer);
    clearInterval(idleTimer);
    client.removeEventListener('abort', abort);
  };
  // The clock has nothing more to say once the turn is aborted, even if nobody ever reads to its end.
  const abortWith = (reason: unknown) => {
    end();
    controller.abort(reason);
  };
  const stop = (what: string) => abortWith(new ApiError('server', `The turn was ended: ${what}.`));
  const abort = () => abortWith(client.reason);
  if (client.aborted) abort();
  else client.addEventListener('abort', abort, { once: true });

  return {
    signal: controller.signal,
    abort,
    fail: abortWith,
    end,
    waiting: (forModel) => {
      isWaiting = forModel;
      steps++;
    },
    countBytes: (bytes) => {
      total += bytes;
      if (total > limits.reply && !controller.signal.aborted) stop(`its reply grew larger than ${limits.reply} bytes`);
    },
  };
}
