import {
  type AuditEvent,
  type Config,
  ConfigError,
  createKey,
  type Database,
  insertKey,
  listKeys,
  markRevoked,
  newKey,
  parseConfig,
  redact,
  replaceKey,
  revokeKey,
  rotateKey,
  type StoredKey,
} from '../handler/index.ts';
import { auditCommandEvents } from './audit/once.ts';
import { placed } from './config-file.ts';
import { DEFAULT_DATABASE, kindOf, openDatabase } from './database.ts';
import type { Env } from './default-models.ts';
import { type KeysFlags, readKeysFlags } from './keys-flags.ts';
import { listing, NEVER, stateOf, textOf, windowText } from './keys-listing.ts';
import { wranglerCommand } from './keys-sql.ts';
import { loadConfig } from './setup.ts';

/** Keys that one statement lists. */
const PAGE_SIZE = 500;

/** Where `keys` writes: what was asked for, which may be a secret and is not redacted, and what people should know of it. */
export interface KeysOutput {
  print(text: string): void;
  say(text: string): void;
}

/** Runs `keys` with the arguments behind it; throws an Error that says what is wrong. */
export async function keys(args: readonly string[], env: Env, output: KeysOutput): Promise<void> {
  const flags = readKeysFlags(args);
  const config = flags.values.get('config');
  if (flags.print || flags.sql) return withoutDatabase(flags, output);
  const { config: loaded, file } = await loadConfig({ file: config, env });
  const { database: urls = DEFAULT_DATABASE } = loaded;
  const { url } = urls;
  await placed(file, () => kindOf(urls));
  if (url === 'sqlite::memory:')
    throw new Error('the database is in memory, and ends with its process: keys create -print makes one for the file');
  const database = await openDatabase(urls, loaded.synchronous);
  try {
    await run(flags, { database, url, config: loaded, output });
  } finally {
    await database.close();
  }
}

interface Place {
  database: Database;
  url: string;
  config: Config;
  output: KeysOutput;
}

async function run(flags: KeysFlags, { database, url, config, output }: Place): Promise<void> {
  const { print, say } = output;
  const now = Date.now();
  const tell = (...events: AuditEvent[]) => auditCommandEvents(config.audit, events, say);
  if (flags.action === 'list') {
    print(listing(await allKeys(database, flags.values.get('tenant')), now));
    return;
  }
  if (flags.action === 'create') {
    const { key, stored } = await make(flags, now);
    requireCosts(stored, config);
    await createKey(database, stored);
    await tell({ action: 'key_created', ...eventOf(stored) });
    print(key);
    say(`The key ${stored.id} is of the tenant ${stored.tenant}, ${expiryOf(stored)}. It is not shown again.`);
    if (!takesKeys(config)) say('The configuration has no entry `keys` in `auth` yet, so nobody is asked for it.');
    return;
  }
  const { id } = flags;
  if (flags.action === 'revoke') {
    const revoked = await revokeKey(database, id, now);
    if (!revoked) throw unknownKey(id, url, config);
    await tell({ action: 'key_revoked', ...eventOf(revoked) });
    say(`The key ${id} is revoked: it stops at every process within 5 s.`);
    return;
  }
  const { key, ...next } = await newKey();
  const { old, made } = await rotateKey(database, { id, next, now, ...timesOf(flags, now) });
  if (!old) throw unknownKey(id, url, config);
  if (!made) throw new Error(`the key ${id} ${stateOf(old, now)}: keys create makes a new one`);
  await tell({ action: 'key_rotated', ...eventOf(old) }, { action: 'key_created', ...eventOf(made) });
  print(key);
  say(`The key ${made.id} has the rights of ${id}, ${expiryOf(made)}. It is not shown again.`);
  say(`The key ${id} is accepted until ${textOf(old.expires)}.`);
}

/** Prints what has to be put somewhere by hand, into a configuration or the database of a Worker; nothing is stored. */
async function withoutDatabase(flags: KeysFlags, { print, say }: KeysOutput): Promise<void> {
  const { id, action, sql } = flags;
  const now = Date.now();
  if (action === 'revoke') return print(wranglerCommand([markRevoked(id, now)]));
  if (action === 'rotate') {
    const { key, ...next } = await newKey();
    print(`${key}\n${wranglerCommand(replaceKey({ id, next, now, ...timesOf(flags, now) }))}`);
    say(`The key ${next.id} works once the command was run, if ${id} still does. It is not shown again.`);
    return;
  }
  const { key, stored } = await make(flags, now);
  print(`${key}\n${sql ? wranglerCommand([insertKey(stored)]) : `- ${entryOf(stored)}`}`);
  const where = sql ? 'the command was run' : 'the second line stands below `keys` of `auth`';
  say(`The key ${stored.id} works once ${where}. It is not shown again.`);
}

/** An entry of the configuration, as JSON and so as YAML. */
function entryOf({ created: _, expires, budgets, ...entry }: StoredKey): string {
  const written = budgets?.map((budget) => ({ ...budget, window: windowText(budget.window) }));
  return JSON.stringify({
    ...entry,
    ...(written && { budgets: written }),
    ...(expires !== NEVER && { expires: textOf(expires) }),
  });
}

async function make(flags: KeysFlags, now: number): Promise<{ key: string; stored: StoredKey }> {
  const { key, ...digest } = await newKey();
  return { key, stored: { ...digest, created: now, ...rightsOf(flags, digest, now) } };
}

/** What the flags say of a key, checked as an entry of the configuration. */
function rightsOf({ values }: KeysFlags, digest: { id: string; sha256: string }, now: number) {
  const listOf = (name: string) =>
    values
      .get(name)
      ?.split(',')
      .map((word) => word.trim());
  const countOf = (name: string) => (values.has(name) ? Number(values.get(name)) : undefined);
  const limits = {
    turns: countOf('turns'),
    backgroundTurns: countOf('background-turns'),
    sockets: countOf('sockets'),
    requestsPerMinute: countOf('requests-per-minute'),
    tokensPerMinute: countOf('tokens-per-minute'),
  };
  const budgets = listOf('budgets')?.map(budgetOf);
  const expires = values.get('expires');
  const given = {
    tenant: values.get('tenant') ?? 'default',
    user: values.get('user'),
    project: values.get('project'),
    models: listOf('models'),
    scopes: listOf('scopes'),
    limits: Object.values(limits).some((limit) => limit !== undefined) ? limits : undefined,
    budgets,
    expires: expires === undefined ? undefined : expiryText(expires, now),
  };
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  // What a budget is of has to be there; `requireCosts` looks for it where a configuration is at hand.
  const costs = budgets?.map(({ cost: name }) => ({ match: '*', name, cel: '0u' }));
  const [entry] = entriesOf({ auth: [{ keys: [{ ...digest, ...present }] }], ...(costs && { costs }) });
  if (!entry) throw new Error('there is no entry');
  if (entry.expires <= now) throw new Error('flag -expires is in the past');
  return { ...entry, tenant: entry.tenant ?? 'default' };
}

/** A budget as a flag has it, `COST=AMOUNT/WINDOW`, or without its cost. */
function budgetOf(text: string): { cost: string; amount: number; window: string } {
  const [, cost = 'llm_cost', amount = '', window = ''] = /^(?:(\w+)=)?(\d+)\/(\w+)$/.exec(text) ?? [];
  if (amount === '') throw new Error('flag -budgets must be a list such as llm_cost=500000000/30d');
  return { cost, amount: Number(amount), window };
}

/** Throws an Error for a budget of a cost that the configuration does not have. */
function requireCosts({ budgets = [] }: StoredKey, { costs }: Config): void {
  const names = costs.map(({ name }) => name);
  const unknown = budgets.find(({ cost }) => !names.includes(cost));
  if (!unknown) return;
  const known = names.length > 0 ? `it has ${[...new Set(names)].join(', ')}` : 'it has none';
  throw new Error(
    `flag -budgets names the cost ${unknown.cost}, which \`costs\` of the configuration does not have: ${known}`,
  );
}

/** The keys of a configuration; a mistake is an Error that names the flag. */
function entriesOf(config: object) {
  try {
    return keysIn(parseConfig(config));
  } catch (error) {
    const [problem] = error instanceof ConfigError ? error.problems : [];
    if (!problem) throw error;
    const name = problem.path.slice(4).filter((key) => !/^(limits|\d+)$/.test(key))[0] ?? 'limits';
    throw new Error(`flag -${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${problem.says}`, {
      cause: error,
    });
  }
}

function keysIn({ auth }: Config) {
  return Array.isArray(auth) ? auth.flatMap(({ keys = [] }) => keys) : [];
}

function takesKeys({ auth }: Config): boolean {
  return Array.isArray(auth) && auth.some(({ keys }) => keys !== undefined);
}

/** When the old key ends, and the new one, if it is not when the old one would have. */
function timesOf({ values }: KeysFlags, now: number): { until: number; expires?: number } {
  const until = now + durationOf('overlap', values.get('overlap') ?? '24h');
  const given = values.get('expires');
  if (given === undefined) return { until };
  const { expires } = rightsOf({ ...NOTHING, values: new Map([['expires', given]]) }, ANY_KEY, now);
  return { until, expires };
}

const NOTHING: KeysFlags = { action: 'create', id: '', values: new Map(), print: false, sql: false };
const ANY_KEY = { id: 'x', sha256: '0'.repeat(64) };

/** A date or a time as it is given; an age, such as 90d, counts from now. */
function expiryText(given: string, now: number): string {
  return /^[\d.]+[a-z]+$/.test(given) ? textOf(now + durationOf('expires', given)) : given;
}

/** A time such as `24h`, or `0s`, in milliseconds. */
function durationOf(flag: string, text: string): number {
  if (/^0+(ms|s|m|h|d)$/.test(text)) return 0;
  try {
    return parseConfig({ retention: text }).retention;
  } catch (error) {
    const [problem] = error instanceof ConfigError ? error.problems : [];
    throw new Error(`flag -${flag} ${problem?.says ?? 'must be a time such as 24h'}`, { cause: error });
  }
}

function eventOf({ id, tenant, user }: StoredKey) {
  return { object: id, tenant, owner: user };
}

function expiryOf({ expires }: StoredKey): string {
  return expires === NEVER ? 'and does not expire' : `and expires ${textOf(expires)}`;
}

async function allKeys(database: Database, tenant: string | undefined): Promise<StoredKey[]> {
  const all: StoredKey[] = [];
  for (;;) {
    const page = await listKeys(database, { tenant, after: all.at(-1)?.id, limit: PAGE_SIZE });
    all.push(...page);
    if (page.length < PAGE_SIZE) return all.sort((a, b) => a.created - b.created);
  }
}

function unknownKey(id: string, url: string, config: Config): Error {
  const isListed = keysIn(config).some((entry) => entry.id === id);
  return new Error(
    isListed
      ? `the key ${id} stands in the configuration: take it out there`
      : `there is no key of this id in ${redact(url)}: see keys list`,
  );
}
