import { after } from 'node:test';
import pg from 'pg';
import { databaseContract } from '../../handler/state/database/contract.ts';
import { type PostgresPool, postgresDatabase } from '../../handler/state/database/postgres.ts';
import { tryContract } from '../support/contract.ts';
import { startPostgres } from '../support/postgres-server.ts';

const server = await startPostgres();
after(() => server.stop());

function connect(url: string) {
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    options: '-c default_transaction_isolation=repeatable\\ read',
  });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return postgresDatabase(pool as unknown as PostgresPool); // pg's own types know no batch
}

tryContract('postgres', databaseContract, async () => {
  const url = await server.newDatabase();
  const [database, another] = [connect(url), connect(url)];
  return {
    database,
    another,
    async lock() {
      const client = new pg.Client(url);
      await client.connect();
      await client.query("BEGIN; INSERT INTO owners (id, alive_until) VALUES ('theirs', 0)");
      return async () => {
        await client.query('COMMIT');
        await client.end();
      };
    },
    async close() {
      await database.close();
      await another.close();
    },
  };
});
