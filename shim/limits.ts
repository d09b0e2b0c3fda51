import type { Config, OpenLimits } from '../handler/index.ts';

let open: OpenLimits | undefined;

/** Loads what counts limits and budgets. */
export async function loadLimits(): Promise<void> {
  open ??= (await import('../handler/allowances/index.ts')).openLimits;
}

/** Loads it if a configuration has any, or its keys may have. */
export async function loadLimitsFor({
  tenants,
  models = [],
  auth,
}: Pick<Config, 'tenants' | 'models' | 'auth'>): Promise<void> {
  const hasKeys = Array.isArray(auth) && auth.some(({ keys }) => keys);
  const limitsModels = models.some(({ limits, budgets }) => limits ?? budgets);
  if (hasKeys || limitsModels || Object.keys(tenants).length > 0) await loadLimits();
}

/** Opens what counts the limits of a configuration for which it was loaded. */
export const openLimits: OpenLimits = (database, alone) => {
  if (!open) throw new Error('what counts limits is not loaded');
  return open(database, alone);
};
