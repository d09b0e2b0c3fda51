import * as v from 'valibot';

/** A URL that requests go to. A user and a password in it would not be sent. */
export const httpUrl = v.pipe(
  v.string('must be a text'),
  v.url('must be a URL'),
  v.regex(/^https?:/, 'must begin with http'),
  v.regex(/^https?:\/\/[^/?#@]*([/?#]|$)/, 'must not hold a user or a password'),
);
