import { ApiError, toApiError } from '../errors.ts';
import { describe, log } from '../log.ts';
import type { HookAnswer, HookContext, Hooks } from './hooks.ts';

/** Runs a hook for at most `ms` milliseconds; throws an ApiError: its own, or one that tells clients nothing. */
export async function runHook<T>(
  name: keyof Hooks,
  run: (context: HookContext) => HookAnswer<T>,
  { caller }: Pick<HookContext, 'caller'>,
  ms: number,
): Promise<T | undefined> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const ending = new AbortController();
  const timer = setTimeout(() => {
    const reason = new Error(`it took longer than ${ms} ms (\`limits.hook\`)`);
    ending.abort(reason);
    reject(reason);
  }, ms);
  const running = (async () => run({ caller, signal: ending.signal }))();
  try {
    return await Promise.race([running, late]);
  } catch (error) {
    running.catch(() => {}); // nobody waits for one that is late
    if (!(error instanceof ApiError)) log.error(`the hook ${name} failed`, { error: describe(error) });
    throw toApiError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Throws the ApiError of a hook that gave something else than it may. */
export function misbehaved(name: keyof Hooks, why: string): never {
  log.error(`the hook ${name} failed`, { error: why });
  throw toApiError(new Error(`the hook ${name} ${why}`));
}
