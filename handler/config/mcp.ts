import * as v from 'valibot';
import { scopes } from '../caller.ts';
import { isObject } from '../protocol/json.ts';
import { SECRET_HEADER } from './attributes.ts';
import { name } from './auth.ts';
import { httpUrl } from './http-url.ts';
import { secretText } from './secrets.ts';
import { unique } from './unique.ts';

// MCP servers that clients may use by their labels.

const text = v.string('must be a text');

const label = v.pipe(text, v.regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -'));

const toolNames = v.array(v.pipe(text, v.nonEmpty('must not be empty')), 'must be a list of names');

const filter = v.pipe(
  v.strictObject({ toolNames: v.optional(toolNames), readOnly: v.optional(v.boolean('must be true or false')) }),
  v.check((given) => Object.keys(given).length > 0, 'must have toolNames or readOnly'),
);

const requireApproval = v.union(
  [
    v.picklist(['always', 'never']),
    v.pipe(
      v.strictObject({ always: v.optional(filter), never: v.optional(filter) }),
      v.check((given) => Object.keys(given).length > 0, 'must have always or never'),
    ),
  ],
  'must be always, never, or { always, never } with toolNames or readOnly',
);

/** Whether a text is the name of a header that a client or an operator may set. */
export function isOwnHeader(name: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]{1,128}$/.test(name) && !RESERVED.test(name);
}

/** The values that are credentials: by their names, or since they are long enough to be one. */
export function credentialsIn(values: Iterable<[name: string, value: string]>, minLength = 16): string[] {
  return [...values].flatMap(([name, value]) => {
    const bare = value.replace(/^\w+ +/, ''); // without a scheme such as Bearer
    return SECRET_HEADER.test(name.toLowerCase()) || bare.length >= minLength ? [value, bare] : [];
  });
}

/** Whether something can be the value of a header. */
export function isSetHeader(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 8_192 && /^[\t\x20-\x7e]*$/.test(value);
}

/** Headers that the protocol and the connection have of their own. */
const RESERVED =
  /^(host|connection|content-.*|transfer-encoding|te|trailer|upgrade|keep-alive|expect|accept|mcp-.*|proxy-.*)$/i;

const headers = v.record(
  v.pipe(text, v.check(isOwnHeader, "must be the name of a header that is not the protocol's own")),
  v.pipe(secretText, v.check<string, string>(isSetHeader, 'must be the value of a header, in ASCII')),
);

const shared = {
  label,
  description: v.optional(text),
  allowedTools: v.optional(v.union([toolNames, filter], 'must be a list of names, or toolNames and readOnly')),
  requireApproval: v.optional(requireApproval, 'always'),
  tenants: v.optional(v.array(name, 'must be a list of tenants')),
  scopes: v.optional(v.array(v.picklist(scopes, `must be one of ${scopes.join(', ')}`), 'must be a list of scopes')),
};

const remote = v.strictObject({
  ...shared,
  url: httpUrl,
  headers: v.optional(headers, {}),
  credentials: v.optional(
    v.array(
      v.strictObject({ tenant: name, user: v.optional(name), headers }),
      'must be a list of { tenant, user, headers }',
    ),
    [],
  ),
});

const program = v.strictObject({
  ...shared,
  command: v.pipe(
    v.tupleWithRest(
      [v.pipe(text, v.nonEmpty('must not be empty'))],
      text,
      'must be a list: a program, and what it is called with',
    ),
  ),
  env: v.optional(v.record(v.pipe(text, v.regex(/^\w+$/, 'must be the name of a variable')), secretText), {}),
});

const connector = v.lazy<v.GenericSchema<unknown, Connector>>((value) => {
  if (!isObject(value)) return remote;
  if ('command' in value) return 'url' in value ? both : program;
  return 'url' in value ? remote : neither;
});
const both = v.custom<Connector>(() => false, 'must have url or command, and not both');
const neither = v.custom<Connector>(() => false, 'must have url, or command for a program of this machine');

/** A server that clients use by its label: at a URL, or a program of this machine. */
export type Connector = v.InferOutput<typeof remote> | v.InferOutput<typeof program>;

/** The `mcp` of the configuration. */
export const mcp = v.optional(
  v.pipe(
    v.array(connector, 'must be a list'),
    unique(({ label }) => label, 'label'),
  ),
  [],
);
