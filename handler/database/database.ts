/** A value as every database takes it: big integers stay below 2^53, JSON is text. */
export type Value = string | number | null;

/** One statement in the dialect that all drivers share, with `?` for each value. */
export interface Statement {
  sql: string;
  values: readonly Value[];
}

/** A row of a result: what was selected or returned, by column. */
export type Row = Readonly<Record<string, Value>>;

/** Thrown by `batch` when a constraint (a key, NOT NULL, a check) refuses a statement: somebody else was first. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
}

/** A database, through one verb. */
export interface Database {
  /**
   * Runs the statements in one round trip, all or nothing, and gives each one's rows. Throws Conflict, with nothing
   * done, when a constraint refuses one.
   */
  batch(statements: readonly Statement[]): Promise<readonly Row[][]>;
  /** Closes it; what was acknowledged before is kept. */
  close(): Promise<void>;
}
