import { AsyncLocalStorage } from 'node:async_hooks';
import { Client, type Submittable } from 'pg';
import { ISOLATE, postgresDatabase } from '../state/database/postgres.ts';
import type { PostgresBatch } from '../state/database/postgres-batch.ts';
import type { WorkerDatabase } from './worker-database.ts';

/** Connections of one request that nothing uses right now. */
interface Scope {
  idle: Client[];
}

/** How long a connection may take to be there, in milliseconds. */
const CONNECT_MS = 5_000;

/** How long a connection may be unused, in milliseconds: a request's batches follow each other closely. */
const IDLE_MS = 1_000;

/**
 * PostgreSQL by the Hyperdrive binding of this name, for `createWorker({ database })`; needs the flag `nodejs_compat`. The platform
 * lets no request use what another has opened, so each has connections of its own, which Hyperdrive's pool makes cheap. `open`
 * throws an Error without the binding.
 */
export function hyperdrive(name = 'HYPERDRIVE'): WorkerDatabase {
  const scopes = new AsyncLocalStorage<Scope>();
  return {
    open(bindings) {
      const binding = bindings[name];
      const connectionString =
        binding && typeof binding === 'object' && 'connectionString' in binding && binding.connectionString;
      if (typeof connectionString !== 'string') throw new Error(`there is no binding ${name} of Hyperdrive`);
      const connect = async () => {
        const scope = scopes.getStore();
        const connection =
          scope?.idle.pop() ?? (await connected(new Client({ connectionString, connectionTimeoutMillis: CONNECT_MS })));
        return {
          // pg's own types know no batch of several statements.
          query: (batch: PostgresBatch) => connection.query(batch as unknown as Submittable),
          release(broken?: boolean) {
            if (broken || !scope) end(connection);
            else keep(scope, connection);
          },
        };
      };
      // Hyperdrive shares its connections by transaction, as other poolers do.
      return postgresDatabase({ connect, end: async () => {} }, { first: [ISOLATE] });
    },
    within: (run) => scopes.run({ idle: [] }, run),
  };
}

async function connected(connection: Client): Promise<Client> {
  connection.on('error', () => {}); // whoever uses it hears of it by its batch
  await connection.connect();
  return connection;
}

function keep({ idle }: Scope, connection: Client): void {
  idle.push(connection);
  setTimeout(() => {
    const at = idle.indexOf(connection);
    if (at < 0) return;
    idle.splice(at, 1);
    end(connection);
  }, IDLE_MS);
}

function end(connection: Client): void {
  connection.end().catch(() => {}); // the platform ends what is left with the request
}
