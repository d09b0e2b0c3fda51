import type { Caller } from '../caller.ts';
import { ApiError } from '../errors.ts';
import type { InputItem } from '../items/input.ts';
import { CreateRequest } from '../protocol/request.ts';
import { check } from '../validate.ts';
import type { Hooks } from './hooks.ts';
import { misbehaved, runHook } from './run-hook.ts';

/** What requests are shown to, and for how long. */
export interface HookServices {
  hooks: Hooks;
  limits: { hook: number };
}

/** Members of a request that the way it came in depends on. */
type Fixed = Pick<CreateRequest, 'stream' | 'stream_options' | 'background'>;

/**
 * The request as `before` has it. Throws an ApiError where it refuses, and a 500 where what it returns is no request. Members that no create has
 * stay as they were.
 */
export async function beforeTurn<R extends Partial<CreateRequest>>(
  { hooks, limits }: HookServices,
  caller: Caller,
  request: R,
): Promise<R> {
  const { before } = hooks;
  if (!before) return request;
  const copy: CreateRequest = structuredClone(request);
  const given = await runHook('before', (context) => before(copy, context), { caller }, limits.hook);
  if (given === undefined) return request;
  const own = Object.entries(request).filter(([name]) => !Object.hasOwn(CreateRequest.entries, name));
  const { stream, stream_options, background } = request;
  const fixed: Fixed = { stream, stream_options, background };
  const checked = checkedRequest(given);
  // What is unchanged is taken as it was: a neighbour's items have members that no client of ours may send.
  const input = JSON.stringify(given.input) === JSON.stringify(request.input) ? request.input : checked.input;
  return { ...Object.fromEntries(own), ...checked, input, ...fixed } as R; // its members beside those of a create are its own
}

/** Items that a client puts into a conversation, as `before` has them: they are the input of a request without a model. Throws as for a request. */
export async function beforeItems(
  services: HookServices,
  caller: Caller,
  items: readonly InputItem[],
): Promise<readonly InputItem[]> {
  if (!services.hooks.before || items.length === 0) return items;
  const { input } = await beforeTurn<Partial<CreateRequest>>(services, caller, { input: [...items] });
  return Array.isArray(input) ? input : misbehaved('before', 'returned no list of items for a conversation');
}

function checkedRequest(given: unknown): CreateRequest {
  try {
    return check(CreateRequest, given);
  } catch (error) {
    return misbehaved('before', `returned no request: ${error instanceof ApiError ? error.message : error}`);
  }
}
