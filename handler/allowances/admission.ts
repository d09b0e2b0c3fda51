import type { Costs } from '../costs.ts';
import type { Account } from './account.ts';
import type { Allowance } from './allowance.ts';
import { rateLimitsOf } from './headers.ts';
import type { Claim, Ledger } from './ledger.ts';
import type { Admission } from './port.ts';

/** What a turn has used, or will. */
export interface TurnUse {
  tokens: number;
  costs: Costs;
}

/** What is held of allowances for one turn: the same as an Admission, whose end is told in numbers. */
export interface TurnHold extends Pick<Admission, 'headers' | 'undo'> {
  end(use: TurnUse): Promise<void> | undefined;
}

/**
 * Admits a turn against all its allowances, with an estimate of what it will use: at once if this process has enough of each,
 * else a promise. Throws or rejects with the ApiError of the first of which there is not enough.
 */
export function admit(
  ledger: Ledger,
  allowances: readonly Allowance[],
  estimate: TurnUse,
): TurnHold | Promise<TurnHold> {
  const claims = claimsOf(ledger, allowances, estimate);
  const taken = ledger.take(claims);
  return taken ? taken.then(() => admitted(ledger, claims)) : admitted(ledger, claims);
}

/** The same for a turn that was admitted before: it is never refused. */
export function holdFor(ledger: Ledger, allowances: readonly Allowance[], estimate: TurnUse): TurnHold {
  const claims = claimsOf(ledger, allowances, estimate);
  for (const { account, amount } of claims) account.hold(amount);
  return admitted(ledger, claims);
}

function claimsOf(ledger: Ledger, allowances: readonly Allowance[], { tokens, costs }: TurnUse): Claim[] {
  return allowances.map((allowance) => {
    const { measure, cost = '' } = allowance;
    // One at least: of what is used up there is nothing for anybody.
    const amount = measure === 'requests' ? 1 : Math.max(1, measure === 'tokens' ? tokens : (costs[cost] ?? 0));
    return { account: ledger.accountOf(allowance), amount };
  });
}

function admitted(ledger: Ledger, claims: readonly Claim[]): TurnHold {
  const accounts = claims.map(({ account }) => account);
  const now = Date.now();
  const requests = claims.filter(({ account }) => account.allowance.measure === 'requests');
  // A request counts when it comes, and the rest when it is known.
  for (const { account, amount } of requests) account.release(amount, amount, now);
  const { ends } = requests[0]?.account ?? {};
  const settle = (used: (account: Account) => number) => {
    const now = Date.now();
    for (const { account, amount } of claims)
      if (account.allowance.measure !== 'requests') account.release(amount, used(account), now);
    return ledger.settled(accounts);
  };
  return {
    headers: () => rateLimitsOf(accounts, Date.now()),
    end: ({ tokens, costs }) =>
      settle(({ allowance: { measure, cost = '' } }) => (measure === 'tokens' ? tokens : (costs[cost] ?? 0))),
    undo() {
      for (const { account } of requests) if (account.ends === ends) account.release(0, -1, account.ends - 1);
      return settle(() => 0);
    },
  };
}
