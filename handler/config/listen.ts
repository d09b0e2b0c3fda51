import * as v from 'valibot';
import { integer } from './quantity.ts';
import { secretText } from './secrets.ts';

const text = v.string('must be a text');

/** A listener: HOST:PORT, or what the pattern `others` adds. */
function listener(others: string, inWords: string) {
  return v.optional(
    v.pipe(
      text,
      v.regex(
        new RegExp(`^(${others}|(\\[[\\da-fA-F:.]+\\]|[\\w.-]+):\\d{1,5})$`),
        `must be HOST:PORT, such as 127.0.0.1:8080, ${inWords}`,
      ),
      v.check(
        (text) => /^(off$|unix:)/.test(text) || Number(text.replace(/^.*:/, '')) <= 65_535,
        'must have a port of at most 65535',
      ),
    ),
  );
}

const anywhere = listener('off|unix:.+', 'or unix:PATH, or off');

/** Addresses of the listeners: HOST:PORT, `unix:PATH` (not for Envoy) or `off`. */
export const listen = v.strictObject({
  grpc: anywhere,
  http: anywhere,
  envoy: listener('off', 'or off'),
  admin: anywhere,
});

/** How many processes share the work on one machine; the bound is more than any has use for. */
export const processes = v.optional(integer(1, 256), 1);

const file = v.pipe(text, v.nonEmpty('must name a file'));
const certificates = v.strictObject({ cert: file, key: file, clientCa: v.optional(file) });

/** PEM files of each listener with TLS; with `clientCa` only clients whose certificate it signed are accepted. */
export const tls = v.strictObject({ grpc: v.optional(certificates), http: v.optional(certificates) });

/** The header, and the secret in it, that prove that a plain HTTP request comes from an Envoy. */
export const proof = v.strictObject({
  header: v.optional(
    v.pipe(text, v.regex(/^[a-z][a-z\d-]*$/, 'must be the name of a header, in lower case')),
    'x-antiphon-proof',
  ),
  value: v.pipe(secretText, v.regex(/^[!-~]{16,256}$/, 'must be 16 to 256 printable ASCII characters without spaces')),
});

/** A host name of this server: no port, lower case. */
export const host = v.pipe(
  text,
  v.regex(
    /^[a-z\d_]([a-z\d_.-]*[a-z\d_])?$/,
    'must be a host name such as api.example: in lower case, without scheme, port and *',
  ),
);

/** An origin as browsers send it, or `*`. */
export const origin = v.pipe(
  text,
  v.regex(
    /^(\*|[a-z][a-z\d+.-]*:\/\/[^\s/?#@*A-Z]+)$/,
    'must be * or an origin as browsers send it, such as https://app.example: in lower case, without a path',
  ),
);
