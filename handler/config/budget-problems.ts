import type { Budget } from '../caller.ts';
import type { AuthEntry } from './auth.ts';
import type { ConfigProblem } from './problems.ts';
import type { TenantEntry } from './tenants.ts';

type Budgeted = { readonly budgets?: readonly Budget[] | undefined } | undefined;

/** The parts of a configuration that have budgets, and the costs. */
interface Budgets {
  costs: readonly { name: string }[];
  tenants: Readonly<Record<string, TenantEntry>>;
  models: readonly Budgeted[] | undefined;
  auth?: 'none' | readonly AuthEntry[] | undefined;
}

/** The budgets of costs that `costs` does not have, of which nothing would ever be spent. */
export function budgetProblems({ costs, tenants, models = [], auth }: Budgets): ConfigProblem[] {
  const names = [...new Set(costs.map(({ name }) => name))];
  const find = (path: string[], owner: Budgeted) =>
    (owner?.budgets ?? []).flatMap(({ cost }, index): ConfigProblem[] => {
      if (names.includes(cost)) return [];
      const known =
        names.length > 0
          ? `must be one of those of \`costs\`: ${names.join(', ')}`
          : 'is none of `costs`, which has none';
      return [{ path: [...path, 'budgets', String(index), 'cost'], says: known }];
    });
  const entries: readonly AuthEntry[] = Array.isArray(auth) ? auth : [];
  return [
    ...Object.entries(tenants).flatMap(([name, tenant]) => [
      ...find(['tenants', name], tenant),
      ...find(['tenants', name, 'perUser'], tenant.perUser),
    ]),
    ...models.flatMap((model, index) => find(['models', String(index)], model)),
    ...entries.flatMap(({ keys = [] }, at) =>
      keys.flatMap((key, index) => find(['auth', String(at), 'keys', String(index)], key)),
    ),
  ];
}
