/** A value as every database takes it: big integers stay below 2^53, JSON is text. */
export type Value = string | number | null;

/** One statement in the dialect that all drivers share: `read` and `write` make it, of SQL with `?` for each value. */
export interface Statement {
  /** Whether it only reads; no driver has to guess. */
  readonly kind: 'read' | 'write';
  readonly text: string;
  readonly values: readonly Value[];
}

/** What runs in one round trip: statements by name, or lists of them, in the order in which they stand. */
export type Batch = Readonly<Record<string, Statement | readonly Statement[]>>;

/** A row of a result: what was selected or returned, by column. */
export type Row = Readonly<Record<string, Value>>;

/** The rows of a batch by the same names; those of a list come one after another. */
export type Rows<B extends Batch> = { readonly [Name in keyof B]: readonly Row[] };

/** Thrown by `batch` when a constraint (a key, NOT NULL, a check) refuses a statement: somebody else was first. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
}

/** Thrown by `batch` when there is no room for what it writes. Nothing was done. */
export class StorageFull extends Error {
  override readonly name = 'StorageFull';
}

/** How much room a database takes, in bytes. */
export interface Storage {
  /** Of what is kept; what is free does not count. */
  bytes: number;
  /** What is free inside the database, and is written to first; 0 where that is not known. */
  free: number;
}

/** A database, through one verb. */
export interface Database {
  /**
   * Runs the statements in one round trip, all or nothing, and gives each one's rows. Throws Conflict, with nothing
   * done, when a constraint refuses one, and StorageFull when there is no room. One of reads alone waits for no writer.
   */
  batch<B extends Batch>(statements: B): Promise<Rows<B>>;
  /** The room that it takes, without a round trip; undefined while that is not known. */
  storage?(): Storage | undefined;
  /** Whether its disk is full, and what is left is needed to remove things, so that nothing new is to be kept. */
  isFull?(): boolean;
  /** Gives a part of what is free back to the disk, and says whether there is more. */
  giveBack?(): Promise<boolean>;
  /** Closes it; what was acknowledged before is kept. */
  close(): Promise<void>;
}
