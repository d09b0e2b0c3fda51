import type { Client, Pool } from 'pg';
import { type Database, redact } from '../../handler/index.ts';
import { ISOLATE, type PostgresPool, postgresDatabase, wordsOf } from '../../handler/state/database/postgres.ts';
import { list, read, type Sql, sql } from '../../handler/state/database/sql.ts';
import { ask, NoAnswer, type Route, routeOf } from './postgres-route.ts';

/** How long things may take: as parameters of a connection; how long an answer is waited for, and a batch tried again, in milliseconds. */
export interface Times {
  settings: Readonly<Record<string, string>>;
  answer: number;
  patience?: number;
}

/**
 * Statements and their locks end before the driver gives their connection up, so that the server has then given them up as well. It ends
 * a connection whose other end is gone: half a batch would hold its locks for hours.
 */
export const OF_REQUESTS: Times = {
  settings: {
    statement_timeout: '10000',
    lock_timeout: '4000',
    idle_in_transaction_session_timeout: '10000',
    tcp_keepalives_idle: '10',
    tcp_keepalives_interval: '5',
    tcp_keepalives_count: '3',
  },
  answer: 15_000,
};

/** Whom the primary can stand in for is not waited for. */
export const OF_REPLICA: Times = { ...OF_REQUESTS, answer: 5_000, patience: 0 };

/** A migration takes as long as the index of a large table, whatever its role says. */
export const FOR_EVER: Times = { settings: { statement_timeout: '0', lock_timeout: '0' }, answer: 2 ** 31 - 1 };

/** How long a connection may take to be there, may be unused, and is unused before it is asked whether it still is, in milliseconds. */
const [CONNECT_MS, IDLE_MS, KEEP_ALIVE_MS] = [5_000, 30_000, 10_000];

/** The isolation that batches rely on, as the server names it. */
const ISOLATION = { default_transaction_isolation: 'repeatable read' };

/** What `pg` says of a connection that takes too long. */
const TIMEOUT = /connection timeout|timeout expired|timeout exceeded/;

/** What poolers say of startup parameters that they do not take. */
const UNSUPPORTED_PARAMETER = /unsupported startup parameter/;

/**
 * Opens a database as it is, on at most `max` connections, and tells how it is reached; rejects with an Error that names it, without its
 * password.
 */
export async function connect(
  url: string,
  max: number,
  times: Times,
  told: (route: Route) => void = () => {},
): Promise<Database> {
  const { pool, route } = await openPool(url, max, times);
  told(route);
  const { settings: _, ...options } = times;
  // pg's own types know no batch of several statements.
  return postgresDatabase(pool as unknown as PostgresPool, {
    ...options,
    first: firstOf(route.missing),
    named: route.keepsNames,
  });
}

/** How the server at a URL is reached; rejects with an Error that names it, without its password. */
export async function routeTo(url: string): Promise<Route> {
  const { pool, route } = await openPool(url, 1, OF_REQUESTS);
  await pool.end();
  return route;
}

/** The error of a database that cannot be opened: it names it, without its password, and says why. */
export class CannotOpen extends Error {
  constructor(url: string, cause: unknown) {
    super(`cannot open ${redact(withoutPassword(url))}: ${wordsOf(cause)}`, { cause });
  }
}

async function openPool(url: string, max: number, { settings }: Times): Promise<{ pool: Pool; route: Route }> {
  const { Client, Pool } = (await import('pg')).default;
  const wanted = { ...ISOLATION, ...settings };
  const options = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    application_name: 'antiphon',
  };
  const another = async (): Promise<Client> => {
    const client = new Client(options);
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const open = async (settings: object) => {
    const pool = new Pool({ ...options, ...settings, max, idleTimeoutMillis: IDLE_MS });
    // Unheard, an error of a connection ends the process; whoever uses one hears of it by its batch.
    pool.on('error', () => {});
    pool.on('connect', (client) => client.on('error', () => {}));
    try {
      const client = await pool.connect();
      const route = await routeOf(client, wanted, another).catch((error) => {
        client.release(true);
        throw error;
      });
      client.release();
      if (route.pooler === 'session') await takeAll(pool, max);
      return { pool, route };
    } catch (error) {
      await pool.end();
      throw error;
    }
  };
  const start = {
    options: Object.entries(wanted)
      .map(([name, value]) => `-c ${name}=${value.replace(' ', '\\ ')}`)
      .join(' '),
  };
  try {
    return await open(start).catch((error) => {
      if (UNSUPPORTED_PARAMETER.test(String(error))) return open({});
      throw error;
    });
  } catch (error) {
    throw new CannotOpen(url, TIMEOUT.test(String(error)) ? new NoAnswer() : error);
  }
}

/** Uses as many connections as the pool may have at once; rejects where a pooler has not so many, each of which is one to the server. */
async function takeAll(pool: Pool, max: number): Promise<void> {
  const clients = await Promise.all(Array.from({ length: max }, () => pool.connect()));
  const answers = await Promise.allSettled(clients.map((client) => ask(client, 'SELECT 1')));
  const isThere = answers.map(({ status }) => status === 'fulfilled');
  for (const [at, client] of clients.entries()) client.release(!isThere[at]);
  const count = isThere.filter(Boolean).length;
  if (count === max) return;
  throw new Error(
    `its pooler gives each connection one to the server for as long as it lasts (pool_mode = session), and this process ${count} of the ${max} that it may need: pool_mode = transaction, a larger default_pool_size, or fewer database.connections`,
  );
}

/** The statements that set, for one batch, what connections do not have. */
function firstOf({ default_transaction_isolation: isolation, ...settings }: Route['missing']) {
  const sets = Object.entries(settings).map(([name, value]): Sql => sql`set_config(${name}, ${value}, true)`);
  return [...(isolation ? [ISOLATE] : []), ...(sets.length > 0 ? [read(sql`SELECT ${list(sets)}`)] : [])];
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'the database';
  const shown = new URL(url);
  if (shown.password) shown.password = '***';
  return shown.href;
}
