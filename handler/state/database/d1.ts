import { rowsByName, statementsOf } from './batch.ts';
import {
  Conflict,
  closedError,
  type Database,
  type Row,
  StorageFull,
  Unavailable,
  UnknownOutcome,
} from './database.ts';

/** The part of a Cloudflare D1 binding that is used. */
export interface D1Binding {
  prepare(sql: string): D1Statement;
  batch(statements: D1Statement[]): Promise<{ results?: unknown[]; meta?: { size_after?: number } }[]>;
}

interface D1Statement {
  bind(...values: unknown[]): D1Statement;
}

/*
 * D1 says what went wrong only in its messages (developers.cloudflare.com/d1/observability/debug-d1). By their words nothing was done of
 * what waited in a queue, or never came to the database; of a query that a reset or a lost connection ended nobody knows.
 */
const OVERLOADED = /D1 DB is overloaded/;
const NOT_REACHED = /Cannot resolve D1 DB|Internal error while starting up D1 DB/;
const LOST =
  /Network connection lost|(D1 DB|isolate|storage)\b.* reset\b|Can't read from request stream because client disconnected/;

/** How often what cannot have been done is tried, and the longest pause before the second time, in milliseconds; each time subtracts from what a request of Workers may ask. */
const [TRIES, PAUSE_MS] = [3, 100];

/** A Database on Cloudflare D1, whose `batch` is a transaction. */
export function d1Database(binding: D1Binding): Database {
  let bytes: number | undefined;
  let closed = false;
  return {
    system: 'sqlite',
    async batch(statements) {
      if (closed) throw closedError();
      const asked = statementsOf(statements);
      const onlyReads = asked.every(({ kind }) => kind === 'read');
      for (let tries = 1; ; tries++) {
        try {
          const bound = asked.map(({ text, values }) => binding.prepare(text).bind(...values));
          const results = await binding.batch(bound);
          bytes = results.at(-1)?.meta?.size_after ?? bytes;
          const rows = results.map(({ results = [] }) => results as Row[]); // D1's rows are plain objects of our values
          return rowsByName(statements, rows);
        } catch (error) {
          const found = named(error, onlyReads);
          const mayPass = found instanceof Unavailable && !OVERLOADED.test(found.message);
          if (!mayPass || tries === TRIES) throw found;
          await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE_MS * tries));
        }
      }
    },
    storage: () => (bytes === undefined ? undefined : { bytes, free: 0 }),
    async close() {
      closed = true; // what the binding has under way comes to its end by itself
    },
  };
}

/** The error that the port has for one of D1's; the same one where it has none. */
function named(error: unknown, onlyReads: boolean): unknown {
  const message = String(error);
  if (/maximum DB size|SQLITE_FULL|database or disk is full/i.test(message))
    return new StorageFull('the database is as large as D1 has it', { cause: error });
  // Of a constraint D1 repeats what SQLite says.
  if (/(UNIQUE|NOT NULL|CHECK|PRIMARY KEY) constraint failed/.test(message))
    return new Conflict('a constraint refused a statement', { cause: error });
  const isLost = LOST.test(message) && !NOT_REACHED.test(message);
  if (isLost && !onlyReads) return new UnknownOutcome(`no answer came: ${message}`, { cause: error });
  if (isLost || OVERLOADED.test(message) || NOT_REACHED.test(message))
    return new Unavailable(`D1 is away, or too busy: ${message}`, { cause: error });
  return error;
}
