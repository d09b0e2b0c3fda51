import * as v from 'valibot';

/** The URL of a server to call. Credentials in it are refused, since they would not be sent. */
export const httpUrl = v.pipe(
  v.string('must be a text'),
  v.url('must be a URL'),
  v.regex(/^https?:/, 'must begin with http'),
  v.regex(/^https?:\/\/[^/?#@]*([/?#]|$)/, 'must not hold a user or a password'),
);
