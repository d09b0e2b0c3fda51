import * as v from 'valibot';
import { isOwnHeader, isSetHeader } from '../../config/mcp.ts';
import { unsupported, wordOf } from '../../errors.ts';
import { AnyObject, maybe, options } from '../../protocol/fields.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { EchoedTool } from '../../protocol/response.ts';
import { check } from '../../validate.ts';

/** What stands in a response where a request had a credential. */
const REDACTED = '<redacted>';

const ToolNames = v.pipe(v.array(v.pipe(v.string(), v.nonEmpty(), v.maxLength(256))), v.maxLength(1_024));

const Filter = v.pipe(
  options({ tool_names: maybe(ToolNames), read_only: maybe(v.boolean()) }),
  v.check((filter) => filter.tool_names != null || filter.read_only != null, 'must have tool_names or read_only'),
);
/** Some tools of a server. */
export type Filter = v.InferOutput<typeof Filter>;

const Allowed = v.lazy((value) => (Array.isArray(value) ? ToolNames : isObject(value) ? Filter : NoFilter));
const NoFilter = v.never('must be a list of names, or an object with tool_names or read_only');

const Approval = v.lazy((value) => (typeof value === 'string' ? Always : isObject(value) ? PerTool : NoApproval));
const NoApproval = v.never('must be always, never, or an object with always or never');
const Always = v.picklist(['always', 'never']);
const PerTool = v.pipe(
  options({ always: maybe(Filter), never: maybe(Filter) }),
  v.check((given) => given.always != null || given.never != null, 'must have always or never'),
);

const Label = v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/));

const Url = v.pipe(
  v.string(),
  v.maxLength(2_048),
  v.check(
    (text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''),
    'must be a URL that begins with http:// or https://',
  ),
  v.check((text) => /^https?:\/\/[^/?#@]*([/?#]|$)/i.test(text), 'must not hold a user or a password'),
);

const Token = v.pipe(
  v.string(),
  v.nonEmpty(),
  v.maxLength(8_192),
  v.check((text) => /^[\x21-\x7e]+( [\x21-\x7e]+)?$/.test(text), 'must be a token, in ASCII and without spaces'),
);

const Headers = v.pipe(
  AnyObject,
  v.check((given) => Object.keys(given).length <= 32, 'must not have more than 32 headers'),
  v.check(
    (given) => Object.keys(given).every(isOwnHeader),
    ({ input }) => {
      const wrong = Object.keys(input).find((name) => !isOwnHeader(name));
      return `must have names of headers that are not the protocol's own${wordOf(wrong) ? `: ${wordOf(wrong)}` : ''}`;
    },
  ),
  v.check((given) => Object.values(given).every(isSetHeader), 'must have texts in ASCII as values'),
);

/** An entry of `tools` that names an MCP server. */
const McpTool = v.strictObject({
  type: v.literal('mcp'),
  server_label: Label,
  server_url: maybe(Url),
  connector_id: maybe(v.pipe(v.string(), v.nonEmpty(), v.maxLength(64))),
  authorization: maybe(Token),
  headers: maybe(Headers),
  allowed_tools: maybe(Allowed),
  require_approval: maybe(Approval),
  tunnel_id: v.nullish(v.never('is not supported')),
  server_description: maybe(v.pipe(v.string(), v.maxLength(1_000))),
  allowed_callers: maybe(v.array(v.literal('direct'))),
  defer_loading: maybe(v.boolean()),
});
/** The same, checked. */
export type McpTool = v.InferOutput<typeof McpTool>;

/** An entry of `tools` as its schema reads it; throws an ApiError that names the field of one that is wrong. */
export function readEntry(entry: JsonObject, param: string): McpTool {
  const read = check(McpTool, entry, param);
  if (read.defer_loading) {
    throw unsupported(`${param}.defer_loading`, 'must not be true: the tools of an MCP server are listed at once');
  }
  const names = Object.keys(read.headers ?? {}).map((name) => name.toLowerCase());
  if (read.authorization != null && names.includes('authorization'))
    throw unsupported(`${param}.authorization`, 'must not stand beside a header of that name');
  return read;
}

/** An entry as a response shows it: without credentials, and without the path and query of a URL, which may be one. */
export function echoEntry({ authorization, ...entry }: JsonObject & { type: string }): EchoedTool {
  const { server_url: url, headers } = entry;
  return {
    allowed_tools: null,
    headers: null,
    require_approval: 'always',
    server_description: null,
    ...entry,
    ...(authorization != null && { authorization: REDACTED }),
    ...(typeof headers === 'object' &&
      headers !== null && { headers: Object.fromEntries(Object.keys(headers).map((name) => [name, REDACTED])) }),
    server_url: typeof url === 'string' ? shownUrl(url) : null,
  };
}

function shownUrl(url: string): string {
  const parsed = URL.parse(url);
  if (!parsed) return REDACTED;
  return parsed.pathname === '/' && parsed.search === '' ? parsed.origin : `${parsed.origin}/${REDACTED}`;
}
