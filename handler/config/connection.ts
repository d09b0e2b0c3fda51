import * as v from 'valibot';
import { secretText } from './secrets.ts';

const ORIGIN = /^http:\/\/[^/?#]+\/?$/;

/** How one server is connected to: the keys of an entry that has a `url`. */
export const connection = {
  /** The authorities that its certificate may be from, as PEM; a root that has files has put the file's text here. */
  ca: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.regex(
        /-----BEGIN CERTIFICATE-----/,
        'must be a file that holds certificates as PEM, which the Node server alone reads, or their text',
      ),
    ),
  ),
  proxy: v.optional(
    v.pipe(
      secretText,
      v.url('must be a URL, such as http://proxy.example:3128'),
      v.regex(/^http:\/\//, 'must begin with http://, as the way to the proxy itself has no TLS'),
      v.regex(ORIGIN, 'must have no path: a host and a port, and before them perhaps a user and a password'),
      v.check(isDecodable, 'has a % in its user or password that stands for nothing: write %25 for a % itself'),
    ),
  ),
};

/** What is no URL is told as that. */
function isDecodable(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { username, password } = new URL(url);
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}
