import { ApiError } from '../errors.ts';
import type { Account } from './account.ts';
import type { Allowance, AllowanceScope } from './allowance.ts';
import { rateLimitsOf, secondsTo } from './headers.ts';

/** Whose a limit is, in the words that clients are told, and where it is set. */
const owners: Readonly<Record<AllowanceScope, string>> = {
  key: 'your key, by its own `limits` and `budgets`,',
  user: 'each user of your tenant, by `perUser` of `tenants` in the configuration,',
  tenant: 'your tenant, by `tenants` in the configuration,',
  model: 'all who use this model, by its entry of `models` in the configuration,',
};

/** The error of a turn that needs more of a limit than is left. SDKs try again after a rate, and not after a budget. */
export function refusalOf({ account, amount }: { account: Account; amount: number }, now: number): ApiError {
  const { allowance, ends } = account;
  const { scope, measure, limit, cost } = allowance;
  const named = { limit: limitName(allowance) };
  const seconds = secondsTo(ends, now);
  if (measure === 'cost') {
    const message = `You exceeded your current quota: ${owners[scope]} may spend ${limit} of ${cost} in ${inWords(allowance.window)}. It begins anew in ${inWords(seconds * 1_000)}.`;
    return new ApiError('quota', message, named);
  }
  const headers = rateLimitsOf([account], now);
  if (amount > limit) {
    const message = `Request too large: ${owners[scope]} may use ${limit} tokens per minute, and this one needs some ${amount}.`;
    return new ApiError('allowance', message, { ...named, headers, retry: false });
  }
  const needs = measure === 'tokens' ? `, and this request needs some ${amount}` : '';
  const message = `Rate limit reached: ${owners[scope]} may use ${limit} ${measure} per minute${needs}. Please try again in ${seconds}s.`;
  return new ApiError('allowance', message, { ...named, headers: { 'retry-after': String(seconds), ...headers } });
}

/** The error of a limit that cannot be looked up, for whatever reason. */
export function unreadable(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  return new ApiError(
    'overloaded',
    'The database does not answer, so your limits cannot be looked up; try again in a moment.',
    { headers: { 'retry-after': '1' }, cause },
  );
}

/** The limit as the log and metrics name it, such as `tenant.requests`. */
function limitName({ scope, measure, cost }: Allowance): string {
  return `${scope}.${cost ?? measure}`;
}

/** A time in one unit, such as `30d`, `2h` or `12s`, rounded up. */
function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.ceil(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.ceil(seconds / 3_600)}h` : `${Math.ceil(seconds / 86_400)}d`;
}
