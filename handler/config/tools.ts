import * as v from 'valibot';
import { isOfConnection } from '../egress/redirect.ts';
import { isObject, isShallow, type JsonObject } from '../protocol/json.ts';
import { name as tenantName } from './auth.ts';
import { httpUrl } from './http-url.ts';
import { secretText } from './secrets.ts';
import { HEADER_TEXT } from './send-headers.ts';
import { unique } from './unique.ts';

const header = v.pipe(
  v.string('must be the name of a header'),
  v.regex(/^[\w!#$%&*+.^|~-]{1,128}$/, 'must be the name of a header, such as x-team'),
  v.transform((name) => name.toLowerCase()),
  v.check((name) => !isOfConnection(name) && name !== 'content-type', 'is a header of the connection, or of the body'),
);

const headers = v.pipe(
  v.custom<JsonObject>(isObject, `must have headers, such as { authorization: "Bearer \${TOKEN}" }`),
  v.check((given) => {
    const names = Object.keys(given).map((name) => name.toLowerCase());
    return new Set(names).size === names.length;
  }, 'must not have a header twice'),
  v.record(header, v.pipe(secretText, v.regex(HEADER_TEXT, 'must be one line that a header can hold'))),
);

/** A function that is a request to a URL, made by this server. */
const httpFunction = v.strictObject({
  name: v.pipe(
    v.string('must be a text'),
    v.regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, underscores or dashes'),
    v.check((name) => !name.startsWith('mcp_'), 'must not begin with mcp_, as functions of MCP servers do'),
  ),
  description: v.pipe(v.string('must be a text'), v.nonEmpty('must say what the function does, for the model')),
  parameters: v.optional(
    v.pipe(
      v.custom<JsonObject>(
        (value) => isObject(value) && isShallow(value),
        'must be a JSON Schema, such as { type: object, properties: { city: { type: string } } }',
      ),
      v.check(({ type }) => type === 'object', 'must have `type: object`, since arguments are one'),
    ),
    { type: 'object', properties: {} },
  ),
  url: httpUrl,
  method: v.optional(
    v.picklist(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], 'must be GET, POST, PUT, PATCH or DELETE'),
    'POST',
  ),
  headers: v.optional(headers, {}),
  offer: v.optional(v.picklist(['always', 'named'], 'must be always or named'), 'named'),
  tenants: v.optional(v.pipe(v.array(tenantName, 'must be a list'), v.nonEmpty('must name at least one tenant'))),
});

/** Functions that this server runs. */
export const tools = v.pipe(
  v.array(v.strictObject({ http: httpFunction }), 'must be a list'),
  unique(({ http }) => http.name, 'name'),
);

/** A function that is a request to a URL, as the configuration has it. */
export type HttpFunction = v.InferOutput<typeof httpFunction>;
