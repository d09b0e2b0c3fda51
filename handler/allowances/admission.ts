import type { Costs } from '../costs.ts';
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
export interface TurnHold extends Pick<Admission, 'headers' | 'leave' | 'undo'> {
  end(use: TurnUse): Promise<void> | undefined;
  /** Counts what was used so far, and holds what is needed `next`. */
  goOn(soFar: TurnUse, next: TurnUse): Promise<void> | undefined;
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

/** The same for a turn that was admitted before, and of which so much was `counted`: it is never refused. */
export function holdFor(
  ledger: Ledger,
  allowances: readonly Allowance[],
  estimate: TurnUse,
  counted: TurnUse,
): TurnHold {
  const claims = claimsOf(ledger, allowances, difference(estimate, counted));
  for (const { account, amount } of claims) account.hold(amount);
  return admitted(ledger, claims, counted);
}

/** What one use is more than another, which came before it. */
export function difference(use: TurnUse, before: TurnUse): TurnUse {
  const costs = Object.entries(use.costs).map(([name, cost]) => [name, cost - (before.costs[name] ?? 0)] as const);
  return { tokens: use.tokens - before.tokens, costs: Object.fromEntries(costs) };
}

function claimsOf(ledger: Ledger, allowances: readonly Allowance[], { tokens, costs }: TurnUse): Claim[] {
  return allowances.map((allowance) => ({
    account: ledger.accountOf(allowance),
    amount: allowance.measure === 'requests' ? 1 : neededOf({ tokens, costs }, allowance),
  }));
}

/** What a use takes of an allowance; one at least: of what is used up there is nothing for anybody. */
function neededOf(use: TurnUse, allowance: Allowance): number {
  return Math.max(1, usedOf(use, allowance));
}

function usedOf({ tokens, costs }: TurnUse, { measure, cost = '' }: Allowance): number {
  return measure === 'tokens' ? tokens : (costs[cost] ?? 0);
}

const NOTHING: TurnUse = { tokens: 0, costs: {} };

function admitted(ledger: Ledger, claims: readonly Claim[], before = NOTHING): TurnHold {
  const accounts = claims.map(({ account }) => account);
  const now = Date.now();
  const requests = claims.filter(({ account }) => account.allowance.measure === 'requests');
  // A request counts when it comes, and the rest when it is known.
  for (const { account, amount } of requests) account.release(amount, amount, now);
  const { ends } = requests[0]?.account ?? {};
  /** What is held, and what was counted before, since each call counts in the window in which it ends. */
  let held = claims.filter(({ account }) => account.allowance.measure !== 'requests');
  let counted = before;
  const settle = (use: TurnUse) => {
    const now = Date.now();
    for (const { account, amount } of held) {
      const { allowance } = account;
      account.release(amount, usedOf(use, allowance) - usedOf(counted, allowance), now);
    }
    held = held.map(({ account }) => ({ account, amount: 0 }));
    counted = use;
    return ledger.settled(accounts);
  };
  return {
    headers: () => rateLimitsOf(accounts, Date.now()),
    end: settle,
    leave: () => settle(counted),
    goOn(soFar, next) {
      const told = settle(soFar);
      const wanted = held.map(({ account }) => ({ account, amount: neededOf(next, account.allowance) }));
      const take = async () => {
        await told;
        await ledger.take(wanted);
        held = wanted;
      };
      if (told || wanted.some(({ account, amount }) => !account.has(amount, Date.now()))) return take();
      void ledger.take(wanted); // at once, since it is there
      held = wanted;
      return undefined;
    },
    undo() {
      for (const { account } of requests) if (account.ends === ends) account.release(0, -1, account.ends - 1);
      return settle(NOTHING);
    },
  };
}
