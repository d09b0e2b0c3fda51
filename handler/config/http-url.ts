import * as v from 'valibot';

/** The URL of a server to call. Credentials in it are refused, since they would not be sent. */
export const httpUrl = v.pipe(
  v.string('must be a text'),
  v.url('must be a URL, such as http://127.0.0.1:8000/v1'),
  v.regex(/^https?:\/\//, 'must begin with http:// or https://'),
  v.regex(/^https?:\/\/[^/?#@]*([/?#]|$)/, 'must not hold a user or a password'),
);
