import { PGlite } from '@electric-sql/pglite';
import { configureLog } from 'antiphon';
import { migrate } from 'antiphon/database';
import { startProduct } from 'antiphon/node';
import { postgres } from './postgres.ts';

configureLog('info', (line) => process.stdout.write(line));

const database = postgres(new PGlite('./data'));
await migrate(database); // makes the tables, or brings them up to date

const product = await startProduct({
  config: { listen: { http: `127.0.0.1:${process.env.PORT ?? 8080}`, grpc: 'off', envoy: 'off', admin: 'off' } },
  database,
});
process.once('SIGTERM', () => void product.stop());
