import { type BuiltInModel, type Config, type ModelConfig, redact } from '../handler/index.ts';

/** Members whose values are secrets, whatever they are a part of. */
const SECRET = /^(key|secret|value|password|token)$|api_?key/i;

const HIDDEN = '[redacted]';

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

/** Texts of headers, of which only what they refer to is left. */
function hidden(texts: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, text.match(/\$\{[^}]*\}/g)?.join('') ?? HIDDEN]),
  );
}

/** An entry, or a server of its `to`, without the texts of headers. */
function withoutTexts<S extends Pick<BuiltInModel, 'send'>>(server: S): S {
  const { send } = server;
  if (!send?.headers) return server;
  const { set, add, ...headers } = send.headers;
  return { ...server, send: { ...send, headers: { ...headers, set: hidden(set), add: hidden(add) } } };
}

/** A server of `mcp`, without what it is sent or started with. */
function withoutCredentials(connector: Config['mcp'][number]): object {
  if ('command' in connector) return { ...connector, env: hidden(connector.env) };
  const credentials = connector.credentials.map((own) => ({ ...own, headers: hidden(own.headers) }));
  return { ...connector, headers: hidden(connector.headers), credentials };
}

/**
 * A reply with the effective configuration as JSON, with its defaults and without its secrets: times are milliseconds, sizes bytes, and what has
 * no bound is null, certificates of servers are their number. Of headers that are set for a model's server, a function or an MCP server only what they refer to is there, since the rest may be credentials. Of the URLs of webhooks only the origin is there: many receivers authorize callers by the path.
 */
export function showConfig(config: Config, models: readonly ModelConfig[]): Response {
  const webhooks = config.webhooks.map((webhook) => ({ ...webhook, url: new URL(webhook.url).origin }));
  const hide = (name: string, value: unknown) => {
    if (name === 'ca' && typeof value === 'string')
      return `${value.split('-----BEGIN CERTIFICATE').length - 1} certificates`;
    return SECRET.test(name) && typeof value === 'string' && value !== '' ? HIDDEN : value;
  };
  const shown = models.map((model) =>
    'keys' in model ? model : { ...withoutTexts(model), ...(model.to && { to: model.to.map(withoutTexts) }) },
  );
  const tools = config.tools.map(({ http }) => ({ http: { ...http, headers: hidden(http.headers) } }));
  const mcp = config.mcp.map(withoutCredentials);
  const json = redact(JSON.stringify({ ...config, models: shown, tools, mcp, webhooks }, hide, 2));
  return new Response(json, { headers: HEADERS });
}
