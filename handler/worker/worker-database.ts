import type { Database } from '../index.ts';

/** A database of a Worker in place of D1. */
export interface WorkerDatabase {
  /** Opens it by the bindings, once an isolate; throws an Error that names what is missing. It is migrated then. */
  open(bindings: Readonly<Record<string, unknown>>): Database;
  /** Runs what one request, turn or schedule does: what it opens is no other's. */
  within<T>(run: () => T): T;
}
