import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type Config,
  type Database,
  type DatabaseUrls,
  dropTenantKeys,
  exportTenant,
  findTenantKeys,
  measureTenants,
  ProcessLease,
  removeTenant,
  type TenantSize,
} from '../handler/index.ts';
import { auditCommandEvents } from './audit/once.ts';
import { plain, table } from './backends/plain.ts';
import { placed } from './config-file.ts';
import { DEFAULT_DATABASE, kindOf, openDatabase } from './database.ts';
import type { Env } from './default-models.ts';
import { loadConfig } from './setup.ts';
import { openStorage, type Storage } from './storage.ts';
import { readTenantsFlags, type TenantsFlags } from './tenants-flags.ts';

/** Where `tenants` writes: what was asked for, and what people should know of it. */
export interface TenantsOutput {
  print(text: string): void;
  say(text: string): void;
}

/** Runs `tenants` with the arguments behind it, beside servers that use the database; throws an Error that says what is wrong. */
export async function tenants(args: readonly string[], env: Env, output: TenantsOutput): Promise<void> {
  const flags = readTenantsFlags(args);
  const { config, file } = await loadConfig({ file: flags.config, env });
  const { database: urls = DEFAULT_DATABASE, synchronous, limits, audit } = config;
  await placed(file, () => kindOf(urls));
  if (urls.url === 'sqlite::memory:') throw new Error('the database is in memory, and ends with its process');
  const database = await openDatabase(urls, synchronous);
  try {
    const place = { database, urls, lease: new ProcessLease(limits.lease), memory: limits.inFlight, output, audit };
    if (flags.action === 'list') output.print(listing(await measureTenants(database)));
    else if (flags.action === 'export') {
      const reasons = new Set<string>();
      const unreadable = (_partition: string, { message }: Error) => void reasons.add(message);
      const storage = await placed(file, () => openStorage(config, database, unreadable));
      await writeExport(flags, { ...place, storage, reasons });
    } else if (flags.action === 'delete') await remove(flags, place);
    else if (flags.action === 'shred') await shred(flags, place);
    else await rotate(flags, config, place);
  } finally {
    await database.close();
  }
}

interface Place {
  database: Database;
  urls: DatabaseUrls;
  lease: ProcessLease;
  memory: number;
  output: TenantsOutput;
  /** Where the audit log is. */
  audit: string;
}

/** Characters of a name. */
const MAX_NAME = 256;

const COUNTED = ['responses', 'conversations', 'items', 'keys'] as const;

function listing(sizes: readonly TenantSize[]): string {
  const rows = sizes.map(({ tenant, users, rows, bytes }) => [
    `${users}`,
    ...COUNTED.map((name) => `${rows[name] ?? 0}`),
    `${bytes}`,
    plain(tenant, MAX_NAME),
  ]);
  return table([['users', ...COUNTED, 'bytes', 'tenant'], ...rows]); // a last column is not cut
}

async function writeExport(
  { tenant, output: file }: TenantsFlags,
  { storage, reasons, lease, memory, output, audit }: Place & { storage: Storage; reasons: ReadonlySet<string> },
) {
  await auditCommandEvents(audit, [{ action: 'tenant_exported', tenant }], output.say); // before: what has left has left
  let lines = 0;
  const counted = new Transform({
    objectMode: true,
    transform(line, _, done) {
      lines++;
      done(null, line);
    },
  });
  const from = Readable.from(exportTenant(storage, lease, tenant, memory));
  if (file === undefined) await pipeline(from, counted, process.stdout, { end: false });
  else await pipeline(from, counted, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
  if (reasons.size > 0) output.say(`something cannot be read, and is not among it: ${[...reasons].join('; ')}`);
  else if (lines === 0) throw nothingOf(tenant);
  output.say(`${lines} lines of the tenant ${plain(tenant, MAX_NAME)}`);
}

async function remove(
  { tenant, yes }: TenantsFlags,
  { database, lease, audit, output: { say } }: Place,
): Promise<void> {
  const [size] = await measureTenants(database, tenant);
  if (!size) throw nothingOf(tenant);
  say(listing([size]));
  if (!yes) await confirm(tenant);
  await auditCommandEvents(audit, [{ action: 'tenant_deleted', tenant }], say);
  const removed = await removeTenant(database, lease, tenant, {
    cancelled: (turns) =>
      say(`${turns} background turns were cancelled; their processes have ${lease.duration / 1000} s to hear of it`),
    waiting: once((turns: number) => say(`waiting for the end of turns that clients wait for: ${turns}`)),
  });
  const counts = COUNTED.map((name) => `${removed[name] ?? 0} ${name}`);
  say(`deleted of the tenant ${plain(tenant, MAX_NAME)}: ${counts.join(', ')}`);
}

async function shred({ tenant, yes }: TenantsFlags, { database, urls, audit, output: { say } }: Place): Promise<void> {
  if ((await findTenantKeys(database, tenant)).length === 0) throw noKeyOf(tenant);
  if (!yes) await confirm(tenant);
  await auditCommandEvents(audit, [{ action: 'tenant_shredded', tenant }], say);
  const dropped = await dropTenantKeys(database, tenant, Date.now());
  const { scrub } = kindOf(urls);
  say(`dropped of the tenant ${plain(tenant, MAX_NAME)}: ${dropped.length} keys; servers stop using them within 5 s`);
  if (scrub && !(await scrub(urls)))
    say('the log of the database still has what was overwritten, since somebody reads: run the command again');
  say('backups of the database still have the keys, which the secret opens');
}

async function rotate(
  { tenant }: TenantsFlags,
  { secrets, encryptAtRest }: Config,
  { database, audit, output: { say } }: Place,
): Promise<void> {
  if (!encryptAtRest) throw new Error('`encryptAtRest` is off, so nothing would be encrypted under another key');
  const { rotateTenantKey } = await import('../handler/encryption/index.ts');
  if (!(await rotateTenantKey(database, secrets, tenant))) throw noKeyOf(tenant);
  await auditCommandEvents(audit, [{ action: 'tenant_key_rotated', tenant }], say);
  say(
    `The tenant ${plain(tenant, MAX_NAME)} has another key. Servers encrypt by it within 5 s, and read what was before.`,
  );
}

function noKeyOf(tenant: string): Error {
  return new Error(`the tenant ${plain(tenant, MAX_NAME)} has no key: nothing of it was encrypted (encryptAtRest)`);
}

/** Asks for the tenant's name; throws an Error if anything else is typed, or there is nobody to ask. */
async function confirm(tenant: string): Promise<void> {
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<undefined>((resolve) => asked.once('close', () => resolve(undefined)));
  const typed = await Promise.race([asked.question('This cannot be undone. Type the name of the tenant: '), closed]);
  asked.close();
  if (typed !== tenant) throw new Error('nothing was deleted: the name was not typed (-yes asks nobody)');
}

function nothingOf(tenant: string): Error {
  return new Error(`there is nothing of a tenant ${plain(tenant, MAX_NAME)}: tenants list has all that there are`);
}

function once<T>(tell: (value: T) => void): (value: T) => void {
  let told = false;
  return (value) => {
    if (!told) tell(value);
    told = true;
  };
}
