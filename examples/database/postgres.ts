import type { PGlite } from '@electric-sql/pglite';
import { Conflict, type Database, type Row, rowsByName, statementsOf, type Value } from 'antiphon/database';

/** Codes of Postgres for a NOT NULL, a key and a check that refuse a statement. */
const REFUSED = new Set(['23502', '23505', '23514']);

/** A Database on PGlite, which is Postgres in this process. */
export function postgres(pg: PGlite): Database {
  const running = new Set<Promise<Row[][]>>();
  let closing: Promise<void> | undefined;
  return {
    async batch(batch) {
      if (closing) throw new Error('the database is closed');
      const transaction = pg.transaction(async (inside) => {
        const all: Row[][] = [];
        for (const { text, values } of statementsOf(batch)) {
          const { rows } = await inside.query<Row>(numbered(text, values), [...values]);
          all.push(rows);
        }
        return all;
      });
      running.add(transaction);
      try {
        return rowsByName(batch, await transaction);
      } catch (error) {
        const refused = error instanceof Error && 'code' in error && REFUSED.has(String(error.code));
        throw refused ? new Conflict('a constraint refused a statement', { cause: error }) : error;
      } finally {
        running.delete(transaction);
      }
    },
    // PGlite itself would not wait for what it was asked before.
    close: () => (closing ??= Promise.allSettled(running).then(() => pg.close())),
  };
}

/** SQL with `$1`, `$2`, ... for each `?` that is not in quotes; of a number Postgres has to be told what it is. */
function numbered(text: string, values: readonly Value[]): string {
  let count = 0;
  return text.replace(/'[^']*'|\?/g, (found) => {
    if (found !== '?') return found;
    return typeof values[count++] === 'number' ? `$${count}::bigint` : `$${count}`;
  });
}
