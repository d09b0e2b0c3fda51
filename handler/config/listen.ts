import * as v from 'valibot';

function listener(pattern: RegExp, example: string) {
  return v.optional(
    v.pipe(
      v.string('must be a text'),
      v.regex(pattern, `must be HOST:PORT, such as ${example}`),
      v.check(
        (text) => text === 'off' || Number(text.replace(/^.*:/, '')) <= 65_535,
        'must have a port of at most 65535',
      ),
    ),
  );
}

const address = listener(/^(\[[\da-fA-F:.]+\]|[\w.-]+):\d{1,5}$/, '127.0.0.1:8080');
const adminAddress = listener(/^(off|(\[[\da-fA-F:.]+\]|[\w.-]+):\d{1,5})$/, '127.0.0.1:9464, or off');

/** Where each listener is: HOST:PORT, or `off` for admin. */
export const listen = v.strictObject({ grpc: address, http: address, envoy: address, admin: adminAddress });

/** A name by which clients call us: a host without a port, in lower case. */
export const host = v.pipe(
  v.string('must be a text'),
  v.regex(
    /^[a-z\d_]([a-z\d_.-]*[a-z\d_])?$/,
    'must be a host name such as api.example: in lower case, without scheme, port and *',
  ),
);

/** An origin as browsers send it, or `*`. */
export const origin = v.pipe(
  v.string('must be a text'),
  v.regex(
    /^(\*|[a-z][a-z\d+.-]*:\/\/[^\s/?#@*A-Z]+)$/,
    'must be * or an origin as browsers send it, such as https://app.example: in lower case, without a path',
  ),
);
