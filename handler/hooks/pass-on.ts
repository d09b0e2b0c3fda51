import type { Caller } from '../caller.ts';
import { ApiError } from '../errors.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import { fitting, type Schema } from '../validate.ts';
import type { HookServices } from './before.ts';
import type { Hooks, PassedOnRequest } from './hooks.ts';
import { misbehaved, runHook } from './run-hook.ts';

/** Whether somebody has to see what models read and say. */
export function hasGuards({ before, after }: Hooks): boolean {
  return before !== undefined || after !== undefined;
}

/**
 * The JSON of a request as `passOn` has it; undefined for a form. Throws an ApiError where it refuses, where what it returns is no request of
 * this `schema`, and where the other hooks, which would not see it, are the only ones.
 */
export async function beforePassedOn(
  { hooks, limits }: HookServices,
  caller: Caller,
  request: PassedOnRequest,
  schema?: Schema,
): Promise<JsonObject | undefined> {
  const { passOn } = hooks;
  const { path, model, body } = request;
  if (!passOn) {
    if (hasGuards(hooks)) throw unseen(path);
    return body;
  }
  const copy = structuredClone(request);
  const given = await runHook('passOn', (context) => passOn(copy, context), { caller }, limits.hook);
  if (given === undefined) return body;
  if (body === undefined) return misbehaved('passOn', 'returned something in place of a form');
  if (!isObject(given)) return misbehaved('passOn', 'returned no object');
  const changed = { ...given, model };
  if (schema && fitting(schema, changed) === undefined)
    return misbehaved('passOn', `returned what is no request of ${path}`);
  return changed;
}

/** Nothing gets past a guardrail unseen. */
function unseen(path: string): ApiError {
  const message = `Requests of ${path} are passed on as they are, unseen by the hooks of this server: only its hook \`passOn\` lets them through.`;
  return new ApiError('permissions', message);
}
