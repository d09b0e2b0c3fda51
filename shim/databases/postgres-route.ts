import type { ClientBase } from 'pg';

/** How a server of PostgreSQL is reached. */
export interface Route {
  /** What lies between: a pooler, which shares the server's connections by session or by transaction; undefined for nothing. */
  pooler: 'session' | 'transaction' | undefined;
  /** Whether a statement that was sent by a name is known by it from then on. */
  keepsNames: boolean;
  /** What connections do not have of the parameters that they should. */
  missing: Readonly<Record<string, string>>;
  /** How many connections the server takes of such roles, of all processes. */
  most: number;
}

/** The same for people, with the cure where there is a better one. */
export function inWords({ pooler, keepsNames }: Route): string {
  if (pooler === undefined) return 'without a pooler';
  if (pooler === 'session')
    return 'behind a pooler that spares no connections, since each has one to the server as long as it lasts: pool_mode = transaction';
  if (keepsNames) return 'behind a pooler that shares connections by transaction, and keeps named statements';
  return 'behind a pooler that keeps no named statements, so that the server plans each one again, for four times the CPU: PgBouncer 1.21 or newer with max_prepared_statements';
}

/** Parameters of the connection itself: behind a pooler they are the pooler's. */
const OF_CONNECTION = /^tcp_/;

/** The name of a statement by which a pooler is tried, and what a server says that has it already: of another process, so that names come as they are. */
const [PROBE, KNOWN_NAME] = ['antiphon_probe', '42P05'];

/** How long an answer may take, in milliseconds: a pooler that has no connection for one of ours says nothing for minutes. */
const ANSWER_MS = 5_000;

/** In which of two connections something is looked for: a pooler that deals out its own in turn would answer alternate ones alike. */
const LOOKS = [0, 0, 1, 0, 1, 1, 0, 0, 1];

/**
 * Finds out how `client` reaches its server, without what would depend on a pooler's name or its console: a server tells each connection
 * its process, and a pooler a number of its own. `another` opens one more connection, for a moment.
 */
export async function routeOf(
  client: ClientBase,
  wanted: Readonly<Record<string, string>>,
  another: () => Promise<ClientBase & { end(): Promise<void> }>,
): Promise<Route> {
  const rows = await ask<{ name: string; setting: string; pid: number }>(
    client,
    `SELECT name, setting, pg_backend_pid() AS pid FROM pg_settings WHERE name = ANY($1)`,
    [[...Object.keys(wanted), 'max_connections', 'superuser_reserved_connections']],
  );
  const has = new Map(rows.map(({ name, setting }) => [name, setting]));
  const missing = Object.entries(wanted).filter(
    ([name, value]) => !OF_CONNECTION.test(name) && has.get(name) !== value,
  );
  const route = {
    missing: Object.fromEntries(missing),
    most: Number(has.get('max_connections')) - Number(has.get('superuser_reserved_connections')),
  };
  if (rows[0]?.pid === processOf(client)) return { ...route, pooler: undefined, keepsNames: true };
  const other = await another();
  try {
    const isShared = await areShared(client, other);
    return { ...route, pooler: isShared ? 'transaction' : 'session', keepsNames: !isShared || (await renames(client)) };
  } finally {
    await other.end();
  }
}

/** Whether a connection of the server serves two of ours, or one of ours has several, one after another; not if there is none for the second. */
async function areShared(client: ClientBase, other: ClientBase): Promise<boolean> {
  const seen: (number | undefined)[] = [];
  for (const place of LOOKS) {
    const found = await ask<{ pid: number }>(place === 0 ? client : other, 'SELECT pg_backend_pid() AS pid').catch(
      (error) => {
        if (error instanceof NoAnswer && place === 1) return undefined;
        throw error;
      },
    );
    if (!found) return false;
    const pid = found[0]?.pid;
    if ((seen[place] ?? pid) !== pid || seen[1 - place] === pid) return true;
    seen[place] = pid;
  }
  return false;
}

/** Whether a statement comes to the server by another name than ours: then the pooler knows which are whose, and the server may have many. */
async function renames(client: ClientBase): Promise<boolean> {
  const text = `SELECT count(*) AS n FROM pg_prepared_statements WHERE name = '${PROBE}'`;
  try {
    const [row] = await ask<{ n: string }>(client, text, [], PROBE);
    return row?.n === '0';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === KNOWN_NAME) return false;
    throw error;
  }
}

/** The error of a connection that does not come about, or on which no answer comes. */
export class NoAnswer extends Error {
  constructor() {
    super(
      `no answer came within ${ANSWER_MS / 1_000} s: nobody is there, or a pooler that is paused, has no server, or has no connection left (with pool_mode = session each is taken as long as it lasts)`,
    );
  }
}

/** Asks on a connection; rejects with NoAnswer after a time, and then the connection is of no use any more. */
export async function ask<Row extends object = object>(
  client: ClientBase,
  text: string,
  values: unknown[] = [],
  name?: string,
): Promise<Row[]> {
  const query = { text, values, ...(name !== undefined && { name }), query_timeout: ANSWER_MS };
  try {
    return (await client.query<Row & object>(query)).rows;
  } catch (error) {
    if (error instanceof Error && error.message === 'Query read timeout') throw new NoAnswer();
    throw error;
  }
}

/** The number that a connection was told as its server's process. */
function processOf(client: ClientBase): number | null {
  return (client as unknown as { processID: number | null }).processID; // the types of pg leave it out
}
