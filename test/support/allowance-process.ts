import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { admit } from '../../handler/allowances/admission.ts';
import { Ledger } from '../../handler/allowances/ledger.ts';
import { ApiError } from '../../handler/errors.ts';
import { sqliteDatabase } from '../../handler/state/database/sqlite.ts';

// A process that makes turns as fast as its limit admits them: `node allowance-process.ts FILE LIMIT PAUSE_MS`. It writes a line with
// the count of each, and ends after some seconds in which it was refused.
const [file = '', limit = '', pause = ''] = process.argv.slice(2);
const database = sqliteDatabase(new DatabaseSync(file), { defer: setImmediate });
const ledger = new Ledger(database);
const own = {
  tenant: 'acme',
  name: 'tenant requests ',
  scope: 'tenant',
  measure: 'requests',
  cost: undefined,
} as const;
const allowance = { ...own, limit: Number(limit), window: 365 * 24 * 3_600_000 };
const nothing = { tokens: 0, costs: {} };

/** Longer than anything that was reserved lasts. */
const PATIENCE_MS = 9_000;

let refused = Number.POSITIVE_INFINITY;
for (let count = 0; performance.now() - refused < PATIENCE_MS || refused === Number.POSITIVE_INFINITY; ) {
  try {
    await (await admit(ledger, [allowance], nothing)).end(nothing);
    refused = Number.POSITIVE_INFINITY;
    process.stdout.write(`${++count}\n`);
    if (Number(pause) > 0) await sleep(Number(pause));
  } catch (error) {
    if (!(error instanceof ApiError) || error.kind !== 'allowance') throw error;
    if (refused === Number.POSITIVE_INFINITY) refused = performance.now();
    await sleep(100);
  }
}
await ledger.close();
await database.close();
