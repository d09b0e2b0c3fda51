import { fromBase64, toBase64 } from '../base64.ts';
import { type Caller, tenantOf } from '../caller.ts';
import { ApiError } from '../errors.ts';
import type { UsageBucket, UsagePage, UsagePageQuery, UsageResult } from '../protocol/usage.ts';
import { addUpCharges } from '../state/charge-sums.ts';
import { ofWholeTenant } from '../state/tenant-store.ts';
import { dayOf, readUsage, type UsageKey, type UsageQuery, type UsageSum } from '../state/usage.ts';
import type { RequestContext } from './context.ts';
import type { Services } from './services.ts';

const DAY = 86_400;

/** The range where none is asked for, and the longest one, in days. */
const [DEFAULT_DAYS, MAX_DAYS] = [30, 366];

/**
 * Reads what the caller has used or, if its credential names the scope `admin`, all of its tenant, by whole days of UTC. Throws an
 * ApiError where the query contradicts itself, and where no charges are kept.
 */
export async function findUsage(
  { storage, limiterCharges }: Pick<Services, 'storage' | 'limiterCharges'>,
  { store, caller }: RequestContext,
  query: UsagePageQuery,
): Promise<UsagePage> {
  if (!store.charges)
    throw new ApiError(
      'refused',
      'What turns use is not kept here: `usage: true` in the configuration keeps it from then on.',
    );
  const { from, to } = rangeOf(query);
  const by = new Set(query.group_by);
  const own = ownOf(caller, store.tenant);
  const database = own.whole === undefined ? store.database : ofWholeTenant(store.database, own.whole);
  const after = query.after === undefined ? undefined : readCursor(query.after);
  const asked = { tenant: store.tenant, ...own, from, to, by, after, limit: query.limit };
  const sums = await readUsage(database, asked, () => addUpCharges(storage.database, Date.now(), limiterCharges?.take));
  const page = sums.slice(0, query.limit);
  const buckets = new Map<number, UsageBucket>();
  for (const sum of page) {
    const [day] = sum.key;
    const [start, end] = by.has('day') ? [day / 1000, day / 1000 + DAY] : [from / 1000, to / 1000];
    const bucket: UsageBucket = buckets.get(start) ?? {
      object: 'bucket',
      start_time: start,
      end_time: end,
      results: [],
    };
    buckets.set(start, bucket);
    bucket.results.push(resultOf(sum));
  }
  const last = page.at(-1);
  return {
    object: 'page',
    data: [...buckets.values()],
    last_id: last ? cursorOf(last.key) : null,
    has_more: sums.length > page.length,
  };
}

/** Whole days, in milliseconds. */
function rangeOf({ start_time, end_time }: UsagePageQuery): { from: number; to: number } {
  const end = end_time ?? Math.floor(Date.now() / 1000) + 1;
  const start = start_time ?? end - DEFAULT_DAYS * DAY;
  if (end <= start) throw new ApiError('invalid_value', 'end_time must be after start_time', { param: 'end_time' });
  const from = dayOf(start * 1000);
  const to = dayOf((end - 1) * 1000) + DAY * 1000;
  if (to - from <= MAX_DAYS * DAY * 1000) return { from: Math.max(from, 0), to };
  throw new ApiError('invalid_value', `start_time must be within ${MAX_DAYS} days of end_time`, {
    param: 'start_time',
  });
}

/** Whose usage a caller sees: of its tenant, of its user, else of its key, else of callers who are known by neither. */
function ownOf({ user, key, scopes }: Caller, partition: string): Pick<UsageQuery, 'whole' | 'only'> {
  if (scopes?.includes('admin')) return { whole: tenantOf(partition) };
  if (user !== undefined) return { only: { user } };
  return { only: key === undefined ? { user: '', key: '' } : { key } };
}

function resultOf({ key: [, ...names], requests, counts, costs }: UsageSum): UsageResult {
  const [user = null, project = null, key = null, model = null, kind = null] = names.map((name) => name || null);
  return {
    object: 'usage.result',
    ...{ user, project, key, model, kind },
    requests,
    input_tokens: counts.input,
    cached_input_tokens: counts.cached,
    cached_write_input_tokens: counts.cache_write,
    output_tokens: counts.output,
    reasoning_tokens: counts.reasoning,
    total_tokens: counts.total,
    costs,
  };
}

/** A group as a text that needs no escapes in a query. */
function cursorOf(key: UsageKey): string {
  return toBase64(new TextEncoder().encode(JSON.stringify(key)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function readCursor(text: string): UsageKey {
  const bad = new ApiError('invalid_value', 'after must be the last_id of a page of usage', { param: 'after' });
  let key: unknown;
  try {
    const bytes = fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'));
    key = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw bad;
  }
  if (!Array.isArray(key) || key.length !== 6) throw bad;
  const [day, ...names]: unknown[] = key;
  const areNames = names.every((name) => typeof name === 'string' && /^[^\p{Cc}\p{Cs}]{0,256}$/u.test(name));
  if (!Number.isSafeInteger(day) || !areNames) throw bad;
  return [Number(day), ...names.map(String)];
}
