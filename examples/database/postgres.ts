import type { PGlite } from '@electric-sql/pglite';
import { Conflict, type Database, type Row, rowsByName, statementsOf, type Value } from 'antiphon/database';

/** Codes of Postgres for a NOT NULL, a key and a check that refuse a statement. */
const REFUSED = new Set(['23502', '23505', '23514']);

/** A Database on PGlite, which is Postgres in this process. */
export function postgres(pg: PGlite): Database {
  return {
    async batch(batch) {
      try {
        const rows = await pg.transaction(async (transaction) => {
          const all: Row[][] = [];
          for (const { text, values } of statementsOf(batch)) {
            const { rows } = await transaction.query<Row>(numbered(text, values), [...values]);
            all.push(rows);
          }
          return all;
        });
        return rowsByName(batch, rows);
      } catch (error) {
        const refused = error instanceof Error && 'code' in error && REFUSED.has(String(error.code));
        throw refused ? new Conflict('a constraint refused a statement', { cause: error }) : error;
      }
    },
    close: () => pg.close(),
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
