import { ApiError } from '../errors.ts';
import { isObject } from '../protocol/json.ts';

const TIMEOUT = 'timeout';

/** The error of a server that has said nothing for as long as the key of its `timeouts` allows. */
export function timedOut(key: 'firstToken' | 'idle' | 'hedge', ms: number): ApiError {
  const what = key === 'idle' ? 'fell silent' : 'said nothing';
  return new ApiError('server', `The model backend ${what} for ${ms / 1_000} s (\`timeouts.${key}\` of its entry).`, {
    cause: TIMEOUT,
  });
}

/** Why a model call failed before its first word, in the words of `retry.on`; other words are for the log alone. */
export function reasonOf(error: ApiError): string {
  if (error.kind === 'context_length' || error.kind === 'model_refused' || error.kind === 'unsupported')
    return error.kind;
  const { cause } = error;
  if (cause === TIMEOUT) return TIMEOUT;
  const status = isObject(cause) && typeof cause.status === 'number' ? cause.status : undefined;
  return status === undefined ? 'connect' : String(status);
}

/** Whether `retry.on` has a failure. */
export function isIn(on: readonly string[], reason: string): boolean {
  return on.includes(reason) || (/^5\d\d$/.test(reason) && on.includes('5xx'));
}

/** What tells of one server alone, and of nothing that the client asked for: its key, its list of models, its quota, its size. */
const OF_ONE_SERVER = new Set(['401', '402', '403', '404', '405', '413', 'unsupported']);

/** Whether another server may do what one has failed at, though the same one would fail again. */
export function isOfOneServer(error: ApiError, reason: string): boolean {
  return error.kind === 'quota' || error.kind === 'model_not_found' || OF_ONE_SERVER.has(reason);
}

/** Whether a server fails so that has too much to do, whatever it is asked for. */
export function isOfLoad(reason: string): boolean {
  return reason === TIMEOUT || reason === '429' || reason === '503';
}

/** Whether a failure tells of the server that was asked, and not of what it was asked for. */
export function isOfServer(error: ApiError): boolean {
  const reason = reasonOf(error);
  return error.kind === 'server' || reason === '429' || isOfOneServer(error, reason);
}

/** The milliseconds for which a refusal asks to be left alone, by its `retry-after`; 0 where it says nothing. */
export function pauseIn({ headers }: Pick<ApiError, 'headers'>): number {
  const said = headers['retry-after'];
  if (said === undefined) return 0;
  const ms = /^\d+(\.\d+)?$/.test(said) ? Number(said) * 1_000 : Date.parse(said) - Date.now();
  return ms > 0 ? ms : 0;
}

/** Units of `x-ratelimit-reset-*`: "1s", "6m0s", "120ms" (https://platform.openai.com/docs/guides/rate-limits). */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The milliseconds until there is something left of the limits that a server tells of; 0 while there is. */
export function pauseOfLimits(limits: Readonly<Record<string, string>>): number {
  let longest = 0;
  for (const what of ['requests', 'tokens']) {
    if (limits[`x-ratelimit-remaining-${what}`] !== '0') continue;
    const reset = limits[`x-ratelimit-reset-${what}`] ?? '';
    let ms = /^\d+(\.\d+)?$/.test(reset) ? Number(reset) * 1_000 : 0;
    for (const [, count, unit = ''] of reset.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
      ms += Number(count) * (UNITS[unit] ?? 0);
    longest = Math.max(longest, ms);
  }
  return longest;
}
