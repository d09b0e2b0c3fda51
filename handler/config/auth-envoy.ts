import * as v from 'valibot';

const text = v.string('must be a text');

/** Where a word is in metadata, by its steps; a text has dots between them. */
const path = v.pipe(
  v.union([text, v.array(text)], 'must be a path such as payload.sub, or a list of its steps'),
  v.transform((path) => (typeof path === 'string' ? path.split('.') : path)),
  v.check((steps) => steps.length > 0 && !steps.includes(''), 'must be a path without empty steps'),
);

const header = v.pipe(text, v.regex(/^[a-z][a-z\d_-]*$/, 'must be the name of a header, in lower case'));

const says = 'must say where the tenant is, or the user, or both';

const metadata = v.pipe(
  v.strictObject({
    namespace: v.pipe(text, v.nonEmpty('must not be empty')),
    tenant: v.optional(path),
    user: v.optional(path),
    project: v.optional(path),
    scopes: v.optional(path),
  }),
  v.check(({ tenant, user }) => Boolean(tenant ?? user), says),
);

const headers = v.pipe(
  v.strictObject({
    tenant: v.optional(header),
    user: v.optional(header),
    project: v.optional(header),
    scopes: v.optional(header),
  }),
  v.check(({ tenant, user }) => Boolean(tenant ?? user), says),
);

/** What stands between words in each field of a certificate. */
const separators = { uri: '/', dns: '.', subject: ',' } as const;

/**
 * What a certificate says of its holder; of several names of a kind Envoy tells the first. Without a pattern all of it is the user.
 * `header` is the one that has it on plain HTTP.
 */
const certificate = v.pipe(
  v.strictObject({
    field: v.optional(v.picklist(['uri', 'dns', 'subject'], 'must be one of uri, dns, subject'), 'uri'),
    pattern: v.optional(v.pipe(text, v.nonEmpty('must not be empty'))),
    header: v.optional(header),
  }),
  v.check(
    ({ field, pattern }) => pattern === undefined || isPattern(pattern, separators[field]),
    'has a pattern that is none: it has {tenant}, {user} and {project}, at least one of the first two, and between any two of them what separates ' +
      'words in that field, / in a uri, a dot in dns, a comma in a subject',
  ),
);

function isPattern(pattern: string, separator: string): boolean {
  const words = pattern.match(/\{(tenant|user|project)\}/g) ?? [];
  const between = pattern.split(/\{(?:tenant|user|project)\}/);
  return (
    new Set(words).size === words.length &&
    words.some((word) => word !== '{project}') &&
    between.every((literal) => !/[{}]/.test(literal)) &&
    between.slice(1, -1).every((literal) => literal.includes(separator))
  );
}

/**
 * Callers by the word of an Envoy that has proved to be ours: by ext_proc its metadata, or the client's certificate; in its headers where
 * an entry has neither, and on plain HTTP, where WebSockets are.
 */
export const byEnvoy = v.pipe(
  v.strictObject({
    metadata: v.optional(metadata),
    certificate: v.optional(certificate),
    headers: v.optional(headers),
  }),
  v.check((all) => Object.keys(all).length > 0, 'must have metadata, certificate or headers'),
  v.check(
    ({ metadata, certificate, headers }) => !(certificate && (metadata || headers)),
    'has certificate and something else: each needs an entry of its own, since no caller is told by half of both',
  ),
);

/** An `envoy` of the configuration. */
export type EnvoyEntry = v.InferOutput<typeof byEnvoy>;
