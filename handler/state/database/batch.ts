import type { Batch, Database, Row, Rows, Statement } from './database.ts';

/** The statements of a batch, in the order in which a driver runs them. */
export function statementsOf(batch: Batch): Statement[] {
  const statements: Statement[] = [];
  for (const entry of Object.values(batch)) {
    if ('kind' in entry) statements.push(entry);
    else statements.push(...entry);
  }
  return statements;
}

/** The rows of a batch by name, from the rows of each statement. */
export function rowsByName<B extends Batch>(batch: B, rows: readonly (readonly Row[])[]): Rows<B> {
  const named: Record<string, readonly Row[]> = {};
  let next = 0;
  for (const [name, entry] of Object.entries(batch)) {
    if ('kind' in entry) named[name] = rows[next++] ?? [];
    else {
      named[name] = rows.slice(next, next + entry.length).flat();
      next += entry.length;
    }
  }
  return named as Rows<B>; // every name of the batch has its rows
}

/** The same database with another `batch`, made of the one below, also for single partitions. */
export function withBatch(database: Database, batchOn: (database: Database) => Database['batch']): Database {
  const { system, of, storage, isFull, giveBack } = database;
  return {
    batch: batchOn(database),
    ...(of && { of: (partition, users) => withBatch(of.call(database, partition, users), batchOn) }),
    ...(system !== undefined && { system }),
    ...(storage && { storage: () => storage.call(database) }),
    ...(isFull && { isFull: () => isFull.call(database) }),
    ...(giveBack && { giveBack: () => giveBack.call(database) }),
    close: () => database.close(),
  };
}
