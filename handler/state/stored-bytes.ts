import type { Statement } from './database/database.ts';
import { sql, write } from './database/sql.ts';

/** The most bytes that a tenant may have stored; undefined without a limit. */
export type StoredLimit = (tenant: string) => number | undefined;

/** What tenants with a limit have stored, as a process knows it: what was measured, and what turns have added since. */
export interface StoredBytes {
  /**
   * Throws `storage_full` where the tenant of a partition has as much as it may, or resolves once that is known; undefined where it
   * has room, or no limit.
   */
  refuseFull(partition: string): Promise<void> | undefined;
  /** Adds to what is known of a tenant what a turn of its has stored. */
  add(partition: string, bytes: number): void;
  /** Counts what was stored by statements that are no turn's. Never rejects: the next measurement makes up for it. */
  count(partition: string, statements: readonly Statement[]): Promise<void>;
  /**
   * Measures one tenant whose time has come, which only one process does at a time. Near its limit that comes again soon, and else
   * after an hour; the more it takes, the later. Returns whether there may be another.
   */
  measure(now: number): Promise<boolean>;
}

/** Adds what charges have stored to what their tenants have, where that is kept. */
export function addStored(stored: ReadonlyMap<string, number>): Statement[] {
  return [...stored].flatMap(([tenant, bytes]) =>
    bytes === 0 ? [] : [write(sql`UPDATE stored_bytes SET bytes = bytes + ${bytes} WHERE tenant = ${tenant}`)],
  );
}
