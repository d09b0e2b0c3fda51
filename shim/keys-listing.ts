import type { StoredKey } from '../handler/index.ts';
import { table } from './backends/plain.ts';

/** The lines of keys that never expire say so; a key of the file without `expires` has the same. */
export const NEVER = Date.parse('9999-12-31');

/** A moment as the configuration has it: a date at midnight, else to the second. */
export function textOf(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace('T00:00:00Z', '');
}

const HEADINGS = ['id', 'tenant', 'user', 'project', 'scopes', 'models', 'limits', 'created', 'expires', 'state'];

/** The keys as a table, the oldest first, with what each may do and how it stands. */
export function listing(keys: readonly StoredKey[], now: number): string {
  if (keys.length === 0) return 'there are no keys';
  const rows = keys.map((key) => [
    key.id,
    key.tenant,
    key.user ?? '-',
    key.project ?? '-',
    key.scopes?.join(',') ?? 'all',
    key.models?.join(',') ?? 'all',
    limitsOf(key),
    textOf(key.created),
    key.expires === NEVER ? 'never' : textOf(key.expires),
    stateOf(key, now),
  ]);
  return table([HEADINGS, ...rows]);
}

function limitsOf({ limits = {}, budgets = [] }: StoredKey): string {
  const all = [
    ...Object.entries(limits).map((limit) => limit.join('=')),
    ...budgets.map(({ cost, amount, window }) => `${cost}=${amount}/${windowText(window)}`),
  ];
  return all.join(',') || '-';
}

/** A window in the largest unit in which it is whole. */
export function windowText(ms: number): string {
  const [size, unit] = WINDOW_UNITS.find(([size]) => ms % size === 0) ?? [1, 'ms'];
  return `${ms / size}${unit}`;
}

const WINDOW_UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const;

/** How a key stands, as the end of a sentence that begins with it. */
export function stateOf({ revoked, expires, replacedBy }: StoredKey, now: number): string {
  if (revoked !== undefined) return `was revoked ${textOf(revoked)}`;
  const replaced = replacedBy === undefined ? undefined : `was replaced by ${replacedBy}`;
  if (expires <= now) return replaced ?? 'has expired';
  return replaced ?? 'works';
}
