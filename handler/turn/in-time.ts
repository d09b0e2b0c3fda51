import { fixedLimits } from '../limits.ts';
import { log } from '../log.ts';

/** Thrown for what took longer than it may. */
export class TooSlow extends Error {
  override readonly name = 'TooSlow';
}

/**
 * Runs a generator of a tool that works for at most `ms` milliseconds, without the time in which nobody reads. Past that its signal aborts, as it does
 * with `signal`; it may then end by itself, and is left where it does not soon. Throws a TooSlow or what `signal` aborts with, unless the
 * generator returns.
 */
export async function* inTime<T, R>(
  tool: string,
  begin: (signal: AbortSignal) => AsyncGenerator<T, R>,
  ms: number,
  signal: AbortSignal,
): AsyncGenerator<T, R> {
  const own = new AbortController();
  const leave = () => own.abort(signal.reason);
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave, { once: true });
  const source = begin(own.signal);
  let left = ms;
  let isDone = false;
  try {
    for (;;) {
      const asked = performance.now();
      const timer = setTimeout(() => own.abort(new TooSlow(`it took longer than ${ms} ms`)), Math.max(0, left));
      const next = await unlessStuck(source.next(), own.signal).finally(() => clearTimeout(timer));
      left -= performance.now() - asked;
      if (next.done) {
        isDone = true;
        return next.value;
      }
      yield next.value;
    }
  } catch (error) {
    isDone = true;
    if (error === STUCK) {
      source.return(undefined as never).catch(() => {}); // if it ever ends, nobody waits for its value
      log.warn('a tool does not end when it is told to, and is left', { tool });
    }
    throw own.signal.aborted ? own.signal.reason : error;
  } finally {
    signal.removeEventListener('abort', leave);
    if (!isDone) {
      own.abort();
      await unlessStuck(source.return(undefined as never), own.signal).catch(() => {}); // the reader has left
    }
  }
}

const STUCK = new Error('it does not end');

/** What is waited for; rejects with STUCK if that takes longer than `toolEnding` once the signal has aborted. */
function unlessStuck<V>(work: Promise<V>, signal: AbortSignal): Promise<V> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const arm = () => {
      timer = setTimeout(reject, fixedLimits.toolEnding, STUCK);
    };
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', arm);
    };
    if (signal.aborted) arm();
    else signal.addEventListener('abort', arm, { once: true });
    work.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error) => {
        settle();
        reject(error);
      },
    );
  });
}
