import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { getPlatformProxy } from 'wrangler';
import { databaseContract } from '../../handler/state/database/contract.ts';
import { type D1Binding, d1Database } from '../../handler/state/database/d1.ts';
import { tryContract } from '../support/contract.ts';
import { newFolder } from '../support/folder.ts';

/** One for each case. */
const MOST = databaseContract.length;

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

async function open() {
  const binding = platform.env[`DB${used++}`];
  if (!binding) throw new Error('more databases are needed than are bound');
  const database = d1Database(binding);
  return { database, close: () => database.close() };
}
