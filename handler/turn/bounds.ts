import { ApiError } from '../errors.ts';
import type { Limits } from '../limits.ts';

/** Checks per idle limit: silence is noticed at most 1/8 of the limit late. */
const CHECKS_PER_LIMIT = 8;

/** What ends a turn from outside: its client, its timers, and the size of its reply. */
export interface Bounds {
  /** Aborts with an ApiError when a limit is passed, with anything else when the client has left. */
  readonly signal: AbortSignal;
  /** The client has left. */
  abort(): void;
  /** The turn fails with this. */
  fail(reason: ApiError): void;
  /** Starts or stops the idle clock. Called twice per event, so it must stay cheap. */
  waiting(forModel: boolean): void;
  /** Counts bytes of the reply. */
  countBytes(bytes: number): void;
  /** Stops the timers. Call it however the turn ends. */
  end(): void;
}

/** Starts the timers of a turn, which may take as long as the limit of that name; `client` aborts when its client leaves. */
export function startBounds(
  client: AbortSignal,
  limits: Pick<Limits, 'turn' | 'background' | 'idle' | 'reply'>,
  longest: 'turn' | 'background' = 'turn',
): Bounds {
  const controller = new AbortController();
  let isWaiting = false;
  let steps = 0;
  let lastSteps = 0;
  let silentChecks = 0;
  let total = 0;
  const turnTimer = setTimeout(() => {
    stop(`it took longer than ${limits[longest] / 1000} s (\`limits.${longest}\` in the configuration)`);
  }, limits[longest]);
  // Only waiting for the model counts: a slow reader is not a silent model.
  const idleTimer = setInterval(() => {
    silentChecks = isWaiting && steps === lastSteps ? silentChecks + 1 : 0;
    lastSteps = steps;
    if (silentChecks >= CHECKS_PER_LIMIT)
      stop(`the model backend was silent for ${limits.idle / 1000} s (\`limits.idle\` in the configuration)`);
  }, limits.idle / CHECKS_PER_LIMIT);

  const end = () => {
    clearTimeout(turnTimer);
    clearInterval(idleTimer);
    client.removeEventListener('abort', abort);
  };
  // The timers stop at an abort, since the events may never be read to their end.
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
      if (total > limits.reply && !controller.signal.aborted)
        stop(`its reply grew larger than ${limits.reply} bytes (\`limits.reply\` in the configuration)`);
    },
  };
}
