import type { Database, DatabaseUrls } from '../../handler/index.ts';

/** Called when there is trouble with the disk or the database file, and when it is over. */
export type Trouble = (what: 'storage' | 'database', holds: boolean) => void;

/** What a commit waits for, of databases that have the choice: the operating system, or the disk. */
export type Synchronous = 'normal' | 'full';

/** A line for people about a database. */
export interface Description {
  text: string;
  isWrong: boolean;
}

/** A kind of database that the configuration can name. All functions reject with an Error that names the database. */
export interface DatabaseKind {
  /** Its URLs in words, as an error says what the configuration's `database` must be. */
  form: string;
  /** Whether it is a server: it may have further URLs, of a replica and of the role that administers it, and so many connections. */
  hasRoles?: boolean;
  /** Opens a database by its URLs, and migrates it. `trouble` asks to be told while it is open. */
  open(urls: DatabaseUrls, synchronous: Synchronous, trouble?: Trouble): Promise<Database>;
  /** Tells people how one is reached, and what is wrong with that for so many processes; changes nothing. Absent where there is nothing to tell. */
  describe?(urls: DatabaseUrls, processes: number): Promise<Description[]>;
  /** The statements that bring the schema of one to the newest; none if it is. Changes nothing. */
  pendingSteps(urls: DatabaseUrls): Promise<string[]>;
  /**
   * Removes from the disk what was overwritten, as far as that can be done while others use the database; resolves with whether it was.
   * Absent where nothing is known of that.
   */
  scrub?(urls: DatabaseUrls): Promise<boolean>;
  /** Runs the command `vacuum` on one that nobody has open, with progress messages for people; rejects if the kind needs none. */
  vacuum(url: string, say: (line: string) => void): Promise<void>;
}
