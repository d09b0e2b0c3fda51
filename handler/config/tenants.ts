import * as v from 'valibot';
import { name } from './auth.ts';
import { count, storage } from './quantity.ts';
import { budgets, rates } from './windows.ts';

const most = count(1_000_000);

/** What somebody may have at a time, and use in a minute, in all processes together. */
const limits = { turns: most, backgroundTurns: most, sockets: most, ...rates };

const tenant = v.strictObject({
  limits: v.optional(v.strictObject({ ...limits, storedBytes: storage })),
  budgets,
  perUser: v.optional(v.strictObject({ limits: v.optional(v.strictObject(limits)), budgets })),
});

const named = v.record(name, tenant, 'must be a mapping of tenants to what each may have');
const noList = v.custom<never>(() => false, 'must be a mapping of tenants to what each may have');

/** What tenants may have, by their names; `*` is each that has no name here. */
export const tenants = v.optional(
  v.lazy<typeof named | typeof noList>((value) => (Array.isArray(value) ? noList : named)),
  {},
);

/** What a tenant may have. */
export type TenantEntry = v.InferOutput<typeof tenant>;
