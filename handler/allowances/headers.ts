import type { Account } from './account.ts';

/** What is left of the limits that hold for a turn, in OpenAI's headers: of each kind the one with the least left. */
export function rateLimitsOf(accounts: readonly Account[], now: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const kind of ['requests', 'tokens'] as const) {
    let least: Account | undefined;
    for (const account of accounts) {
      if (account.allowance.measure !== kind) continue;
      account.roll(now);
      if (!least || account.remaining < least.remaining) least = account;
    }
    if (!least) continue;
    headers[`x-ratelimit-limit-${kind}`] = String(least.allowance.limit);
    headers[`x-ratelimit-remaining-${kind}`] = String(least.remaining);
    headers[`x-ratelimit-reset-${kind}`] = `${secondsTo(least.ends, now)}s`;
  }
  return headers;
}

/** The seconds from now to a time, at least one. */
export function secondsTo(time: number, now: number): number {
  return Math.max(1, Math.ceil((time - now) / 1_000));
}
