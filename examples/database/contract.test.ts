import { test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { databaseContract } from 'antiphon/database';
import { postgres } from './postgres.ts';

// The contract that every database keeps; any test runner will do.
for (const { name, run } of databaseContract) {
  test(name, { timeout: 60_000 }, () =>
    run(async () => {
      const database = postgres(new PGlite());
      return { database, close: () => database.close() };
    }),
  );
}
