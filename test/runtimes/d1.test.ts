import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { getPlatformProxy } from 'wrangler';
import { databaseContract } from '../../handler/state/database/contract.ts';
import { type D1Binding, d1Database } from '../../handler/state/database/d1.ts';
import { migrate } from '../../handler/state/database/schema.ts';
import { tryContract } from '../support/contract.ts';
import { newFolder } from '../support/folder.ts';
import { LONG } from '../support/long.ts';
import { compareWithAlone } from '../tenants/compare.ts';
import { few } from '../tenants/steps.ts';

/** One for each case, and for each of two tenants and both together. */
const MOST = databaseContract.length + 3;

let dir: string;
let platform: Awaited<ReturnType<typeof getPlatformProxy<Record<string, D1Binding>>>>;
let used = 0;

before(async () => {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'; // wrangler would look up a sample request's details
  dir = newFolder();
  const bindings = Array.from({ length: MOST }, (_, n) => ({
    binding: `DB${n}`,
    database_name: `d${n}`,
    database_id: `d${n}`,
  }));
  const configPath = join(dir, 'wrangler.json');
  await writeFile(configPath, JSON.stringify({ name: 'd1', compatibility_date: '2026-10-01', d1_databases: bindings }));
  platform = await getPlatformProxy<Record<string, D1Binding>>({ configPath, persist: false });
});
after(() => platform.dispose());

tryContract('d1', databaseContract, open, 300_000);

test('two tenants on D1: each hears and keeps what it does where the other never was', {
  skip: LONG ? false : 'test:long has it, and thorough/tenants.test.ts the same on SQLite',
  timeout: 300_000,
}, async () => {
  await compareWithAlone(few, {
    isolation: 'tenant',
    sameIds: false,
    async open() {
      const { database } = await open();
      await migrate(database);
      return database;
    },
  });
});

async function open() {
  const binding = platform.env[`DB${used++}`];
  if (!binding) throw new Error('more databases are needed than are bound');
  const database = d1Database(binding);
  return { database, close: () => database.close() };
}
