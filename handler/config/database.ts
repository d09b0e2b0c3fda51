import * as v from 'valibot';
import { isObject } from '../protocol/json.ts';
import { integer } from './quantity.ts';
import { secretText } from './secrets.ts';

const urls = v.strictObject({
  url: secretText,
  read: v.optional(secretText),
  admin: v.optional(secretText),
  connections: v.optional(integer(1, 1_000)),
});
const url = v.pipe(
  secretText,
  v.transform((url): v.InferOutput<typeof urls> => ({ url })),
);

const databaseKeys = Object.keys(urls.entries);

/** The schema of `database`: a URL, or several of one database, with what else is to be said of it. */
export const database = v.lazy<typeof urls | typeof url>((value) =>
  isObject(value) && databaseKeys.some((key) => key in value) ? urls : url,
);

/**
 * The URLs of one database. `read` is a replica, for reads that may be some seconds old; `admin` has the role that may do what no
 * tenant's request needs: migrate, sweep, and take over the turns of dead processes. `connections` is how many a process opens at most, to
 * `url` and to `read` each.
 */
export type DatabaseUrls = v.InferOutput<typeof urls>;
