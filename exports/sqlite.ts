// antiphon/sqlite: SQLite on Node, Deno and Bun; `sqliteDatabase` takes any connection that is like `node:sqlite`'s.

export { type SqliteConnection, type SqliteOptions, sqliteDatabase } from '../handler/state/database/sqlite.ts';
export { openDatabase } from '../shim/database.ts';
export type { Trouble } from '../shim/databases/kind.ts';
