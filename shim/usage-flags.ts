import { didYouMean, type UsageGroup, usageGroupNames } from '../handler/index.ts';

/** What `usage` tells apart: what `GET /v1/usage` does, and tenants. */
export type UsageColumn = 'tenant' | UsageGroup;

const columns: readonly UsageColumn[] = ['tenant', ...usageGroupNames];

/** The arguments behind `usage`, parsed. */
export interface UsageFlags {
  config: string | undefined;
  /** The tenant to look at; all of them without it. */
  tenant: string | undefined;
  by: readonly UsageColumn[];
  /** Whole days of UTC, both included, in milliseconds since 1970. */
  from: number;
  to: number;
  json: boolean;
}

const DAY = 86_400_000;

/** The days that are looked at where no first one is named. */
const DEFAULT_DAYS = 30;

const FLAGS = ['config', 'tenant', 'by', 'from', 'to', 'json'];

/** Parses the arguments behind `usage`; throws an Error that says what is wrong. */
export function readUsageFlags(args: readonly string[], now: number): UsageFlags {
  const rest = [...args];
  const values = new Map<string, string>();
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [, name, inline] = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) throw new Error(`unexpected argument "${arg}" (see usage -help)`);
    if (!FLAGS.includes(name)) {
      throw new Error(`unknown flag -${name}${didYouMean(name, FLAGS).replace('mean ', 'mean -')} (see usage -help)`);
    }
    if (values.has(name)) throw new Error(`flag -${name} is there twice`);
    if (name === 'json') {
      if (inline !== undefined && inline !== 'true') throw new Error('flag -json takes no value');
      values.set(name, '');
      continue;
    }
    const value = inline ?? (rest[0]?.startsWith('-') ? undefined : rest.shift());
    if (!value) throw new Error(`flag -${name} needs a value`);
    values.set(name, value);
  }
  const to = dayOf('to', values.get('to') ?? new Date(now).toISOString().slice(0, 10));
  const first = values.get('from');
  const from = first === undefined ? to - (DEFAULT_DAYS - 1) * DAY : dayOf('from', first);
  if (from > to) throw new Error('flag -from is behind -to');
  const by = values.get('by')?.split(',').map(columnOf) ?? ['tenant'];
  return { config: values.get('config'), tenant: values.get('tenant'), by, from, to, json: values.has('json') };
}

function dayOf(name: string, text: string): number {
  const day = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (day >= 0 && new Date(day).toISOString().startsWith(text)) return day;
  throw new Error(`flag -${name}: "${text}" is no day, such as 2027-01-31`);
}

function columnOf(text: string): UsageColumn {
  const name = text.trim();
  const column = columns.find((known) => known === name);
  if (column) return column;
  throw new Error(`flag -by: "${name}" is none of ${columns.join(', ')}${didYouMean(name, columns)}`);
}
