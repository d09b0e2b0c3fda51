import type { Budget, Caller, Rates } from '../caller.ts';
import { DEFAULT_TENANT, entryOf, limitsUse } from '../caller.ts';
import { matcher } from '../pattern.ts';
import type { LimitingConfig } from './port.ts';

/** Whose an allowance is: a key's, a user's, a tenant's, or that of all who use a model. */
export type AllowanceScope = 'key' | 'user' | 'tenant' | 'model';

/** What may be used in each window of time, in all processes together. Windows follow one another since 1970. */
export interface Allowance {
  /** The tenant that it is of; empty for a model's. */
  readonly tenant: string;
  /** Its name in the tenant, by which all processes count it. */
  readonly name: string;
  readonly scope: AllowanceScope;
  /** What is counted: turns, tokens, or a cost, which has a name. */
  readonly measure: 'requests' | 'tokens' | 'cost';
  readonly cost: string | undefined;
  readonly limit: number;
  /** In milliseconds. */
  readonly window: number;
}

/** What callers and models may use by a configuration. */
export interface AllowanceRules {
  /** All that hold for a caller's turn with a model, but for those of its key. */
  of(caller: Caller, model: string): Allowance[];
}

const MINUTE = 60_000;

interface Windows {
  readonly limits?: Rates | undefined;
  readonly budgets?: readonly Budget[] | undefined;
}

/** The rules of a configuration; undefined where it has none. */
export function allowanceRules({ tenants, models = [] }: LimitingConfig): AllowanceRules | undefined {
  const entries = models.map((model) => ({ matches: matcher(model.match), model }));
  const limitsModels = models.some(limitsUse);
  const limitsTenants = Object.values(tenants).some((tenant) => limitsUse(tenant) || limitsUse(tenant.perUser));
  if (!limitsModels && !limitsTenants) return undefined;
  return {
    of({ tenant = DEFAULT_TENANT, user }, name) {
      const all: Allowance[] = [];
      const entry = entryOf(tenants, tenant);
      if (entry) {
        if (user !== undefined) add(all, entry.perUser, tenant, 'user', user);
        add(all, entry, tenant, 'tenant', '');
      }
      const model = limitsModels && entries.find(({ matches }) => matches(name))?.model;
      if (model) add(all, model, '', 'model', model.match);
      return all;
    },
  };
}

/** Those that hold for a caller's turn with a model, its key's included: it may be limited where the configuration limits nobody. */
export function allowancesOf(rules: AllowanceRules | undefined, caller: Caller, model: string): readonly Allowance[] {
  const all = rules?.of(caller, model) ?? [];
  if (limitsUse(caller)) add(all, caller, caller.tenant ?? DEFAULT_TENANT, 'key', caller.key ?? caller.id);
  return all;
}

function add(all: Allowance[], windows: Windows | undefined, tenant: string, scope: AllowanceScope, of: string): void {
  if (!windows) return;
  const { limits, budgets } = windows;
  const name = (counted: string) => `${scope} ${counted} ${of}`;
  const rate = { tenant, scope, cost: undefined, window: MINUTE };
  if (limits?.requestsPerMinute !== undefined)
    all.push({ ...rate, name: name('requests'), measure: 'requests', limit: limits.requestsPerMinute });
  if (limits?.tokensPerMinute !== undefined)
    all.push({ ...rate, name: name('tokens'), measure: 'tokens', limit: limits.tokensPerMinute });
  // No unit of a window is the name of a cost: `cost.` keeps them from the measures above.
  for (const { cost, amount, window } of budgets ?? [])
    all.push({ tenant, scope, name: name(`cost.${cost}/${window}`), measure: 'cost', cost, limit: amount, window });
}
