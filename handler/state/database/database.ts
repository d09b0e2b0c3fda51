/** A value as every database takes it: big integers stay below 2^53, JSON is text. */
export type Value = string | number | null;

/** One statement in the dialect that all drivers share: `read` and `write` make it, of SQL with `?` for each value. */
export interface Statement {
  /** Whether it only reads; no driver has to guess. */
  readonly kind: 'read' | 'write';
  readonly text: string;
  readonly values: readonly Value[];
  /** Whether what it reads may be some seconds old. A batch of such reads alone may go to a replica. */
  readonly mayLag?: true;
  /** Which of the values are confidential; absent if none is. Drivers need not know. */
  readonly confidential?: readonly Confidential[];
}

/** Says that a value is a text of a tenant's clients, which may be stored as nobody else can read it. */
export interface Confidential {
  /** The index of the value. */
  readonly at: number;
  /** The partition that it is stored in. */
  readonly tenant: string;
}

/** Statements of one round trip, by name, alone or in lists, run in the order of the names. */
export type Batch = Readonly<Record<string, Statement | readonly Statement[]>>;

/** A row of a result, by column. */
export type Row = Readonly<Record<string, Value>>;

/** The rows of a batch under the same names; those of a list are concatenated. */
export type Rows<B extends Batch> = { readonly [Name in keyof B]: readonly Row[] };

/** Thrown by `batch` when a constraint (a key, NOT NULL, a check) refuses a statement: somebody else was first. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
}

/** Thrown by `batch` when storage is full. Nothing was written. */
export class StorageFull extends Error {
  override readonly name = 'StorageFull';
}

/** Thrown by `batch` while the database is away, or too busy. Nothing was done. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** Thrown by `batch` when the connection ended before the answer came: it was done as a whole, or not at all. */
export class UnknownOutcome extends Error {
  override readonly name = 'UnknownOutcome';
}

/** Makes the error of a batch that was asked of a database which is closed, or closing. */
export function closedError(): Error {
  return new Error('the database is closed');
}

/** Size of a database, in bytes. */
export interface Storage {
  /** Bytes in use, without free pages. */
  bytes: number;
  /** Free bytes inside the file, which are reused first; 0 when unknown. */
  free: number;
}

/** A database, through one verb. */
export interface Database {
  /** What it is, as OpenTelemetry names databases: `sqlite`, `postgresql`. */
  readonly system?: string;
  /**
   * Runs the statements in one round trip, all or nothing, and gives each one's rows. Throws Conflict, with nothing
   * done, when a constraint refuses one, and StorageFull when there is no room. Databases of other machines throw Unavailable, and
   * UnknownOutcome where nobody can tell whether it was done. One of reads alone waits for no writer.
   */
  batch<B extends Batch>(statements: B): Promise<Rows<B>>;
  /**
   * The same database for one partition, with `users` for a tenant and the partitions of its users, where it can see to that itself: then
   * its batches find and write nothing of others, whatever their statements say. What is of all tenants is for batches of the whole.
   */
  of?(partition: string, users?: boolean): Database;
  /** The room that it takes, without a round trip; undefined while that is not known. */
  storage?(): Storage | undefined;
  /** Whether the disk is full: then what is left is for deleting, and nothing new may be stored. */
  isFull?(): boolean;
  /** Returns some free space to the disk, and says whether there is more. */
  giveBack?(): Promise<boolean>;
  /**
   * Closes it, once what was asked before has come to an end; acknowledged writes are kept. What is asked from then on
   * rejects with an Error that says so; to close it again does nothing.
   */
  close(): Promise<void>;
}
