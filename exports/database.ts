// antiphon/database: the port of databases, and what an implementation of it needs.

export type { ContractCase } from '../handler/contract.ts';
export { rowsByName, statementsOf } from '../handler/state/database/batch.ts';
export { type DatabaseSubject, databaseContract } from '../handler/state/database/contract.ts';
export {
  type Batch,
  Conflict,
  type Database,
  type Row,
  type Rows,
  type Statement,
  type Storage,
  StorageFull,
  Unavailable,
  UnknownOutcome,
  type Value,
} from '../handler/state/database/database.ts';
export { migrate } from '../handler/state/database/schema.ts';
export { list, raw, read, sql, write } from '../handler/state/database/sql.ts';
