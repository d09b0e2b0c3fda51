import type { ErrorKind } from '../../../errors.ts';

/** What the page says of an operation beside its summary. */
export interface OperationWords {
  tag: string;
  description: string;
  /** Bodies by what they show; each is sent by a test. The ids in them stand for ids of the client's own. */
  requests?: Readonly<Record<string, object>>;
  /** A reply by its media type, as the server sends it. */
  replies?: Readonly<Record<string, unknown>>;
  /** The errors of its own, beside those of every request and of every body. */
  errors?: readonly ErrorKind[];
}
