import {
  type Database,
  readUsage,
  tenantsWithUsage,
  type UsageGroup,
  type UsageSum,
  type Used,
  usageGroups,
} from '../handler/index.ts';
import { table } from './backends/plain.ts';
import { placed } from './config-file.ts';
import { DEFAULT_DATABASE, kindOf, openDatabase } from './database.ts';
import type { Env } from './default-models.ts';
import { loadConfig } from './setup.ts';
import { readUsageFlags, type UsageColumn, type UsageFlags } from './usage-flags.ts';

/** Where `usage` writes: what was asked for, and what people should know of it. */
export interface UsageOutput {
  print(text: string): void;
  say(text: string): void;
}

/** Groups that one statement reads. */
const PAGE_SIZE = 1_000;

const DAY = 86_400_000;

/** Runs `usage` with the arguments behind it, beside servers that use the database; throws an Error that says what is wrong. */
export async function usage(args: readonly string[], env: Env, { print, say }: UsageOutput): Promise<void> {
  const flags = readUsageFlags(args, Date.now());
  const { config, file } = await loadConfig({ file: flags.config, env });
  const { database: urls = DEFAULT_DATABASE, synchronous } = config;
  await placed(file, () => kindOf(urls));
  if (urls.url === 'sqlite::memory:') throw new Error('the database is in memory, and ends with its process');
  if (!config.usage) say('The configuration has no `usage: true`: nothing is kept of what turns use now.');
  const database = await openDatabase(urls, synchronous);
  try {
    const groups = await groupsOf(database, flags);
    if (flags.json) for (const group of groups) print(JSON.stringify(group));
    else print(groups.length === 0 ? 'nothing was used' : listing(groups, flags.by));
  } finally {
    await database.close();
  }
}

/** What a group used, as a line of JSON has it. */
type Group = Used & Partial<Record<UsageColumn, string | null>>;

/** The groups that were asked for, tenant by tenant; those of all tenants together where these are not told apart. */
async function groupsOf(database: Database, { tenant: only, by: columns, from, to }: UsageFlags): Promise<Group[]> {
  const by = new Set(columns.filter((column): column is UsageGroup => column !== 'tenant'));
  const groups = new Map<string, Group>();
  for await (const tenant of only === undefined ? tenantsWithUsage(database) : [only]) {
    let last: UsageSum | undefined;
    do {
      const query = { tenant, whole: tenant, by, from, to: to + DAY, after: last?.key, limit: PAGE_SIZE };
      const sums = await readUsage(database, query);
      last = sums.length > PAGE_SIZE ? sums[PAGE_SIZE - 1] : undefined;
      for (const sum of sums.slice(0, PAGE_SIZE)) {
        const names = Object.fromEntries(columns.map((column) => [column, nameOf(column, tenant, sum)]));
        const name = JSON.stringify(names);
        groups.set(name, { ...names, ...added(groups.get(name), sum) });
      }
    } while (last);
  }
  return [...groups.values()];
}

function nameOf(column: UsageColumn, tenant: string, { key }: UsageSum): string | null {
  if (column === 'tenant') return tenant;
  const value = key[Object.keys(usageGroups).indexOf(column)];
  return typeof value === 'number' ? new Date(value).toISOString().slice(0, 10) : value || null;
}

function added(group: Used | undefined, { requests, counts, costs }: UsageSum): Used {
  const sums = { ...group?.costs };
  for (const [name, amount] of Object.entries(costs)) sums[name] = (sums[name] ?? 0) + amount;
  return {
    requests: (group?.requests ?? 0) + requests,
    input_tokens: (group?.input_tokens ?? 0) + counts.input,
    cached_input_tokens: (group?.cached_input_tokens ?? 0) + counts.cached,
    cached_write_input_tokens: (group?.cached_write_input_tokens ?? 0) + counts.cache_write,
    output_tokens: (group?.output_tokens ?? 0) + counts.output,
    reasoning_tokens: (group?.reasoning_tokens ?? 0) + counts.reasoning,
    total_tokens: (group?.total_tokens ?? 0) + counts.total,
    costs: sums,
  };
}

function listing(groups: readonly Group[], by: readonly UsageColumn[]): string {
  const rows = groups.map((group) => [
    ...by.map((column) => group[column] ?? '-'),
    ...[group.requests, group.input_tokens, group.cached_input_tokens, group.output_tokens, group.total_tokens].map(
      String,
    ),
    Object.entries(group.costs)
      .map((cost) => cost.join('='))
      .join(',') || '-',
  ]);
  return table([[...by, 'requests', 'input', 'cached', 'output', 'total', 'costs'], ...rows]);
}
