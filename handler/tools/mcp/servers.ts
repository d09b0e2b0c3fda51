import { type Caller, DEFAULT_TENANT, may } from '../../caller.ts';
import { type Connector, credentialsIn } from '../../config/mcp.ts';
import { ApiError, unsupported, wordOf } from '../../errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { type Filter, type McpTool, readEntry } from './entry.ts';
import type { ApprovalPolicy, ToolFilter } from './policy.ts';
import type { McpServer } from './session.ts';

/** A server that a request uses, and what it may do there. */
export interface UsedServer {
  label: string;
  server: McpServer;
  /** The same for requests that mean the same server, whatever their credentials. */
  identity: string;
  /** What no text may tell. */
  secrets: readonly string[];
  /** Whether requests to it have an `authorization`. */
  hasToken: boolean;
  description: string | null;
  /** The tools that all of these name. */
  allowed: readonly ToolFilter[];
  /** A call that one of these wants approved is. */
  policies: readonly ApprovalPolicy[];
  /** Bytes of one result. Default: `limits.toolResult`. */
  maxResult?: number;
}

/**
 * The server that an entry of `tools` names: one of the configuration, of those that its caller may use, or any other by its URL. Throws an
 * ApiError that names the field of an entry that is wrong.
 */
export function usedServer(
  entry: JsonObject,
  param: string,
  connectors: readonly Connector[],
  caller: Caller,
): UsedServer {
  const tool = readEntry(entry, param);
  const { server_url: url, connector_id: id, server_label: label } = tool;
  if (url != null && id != null) throw unsupported(`${param}.connector_id`, 'must not stand beside server_url');
  if (url != null) return ofClient(tool, url);
  const usable = usableConnectors(connectors, caller);
  const connector = usable.find((one) => one.label === (id ?? label));
  if (connector) return ofConfiguration(tool, param, connector, caller);
  const field = id == null ? 'server_url' : 'connector_id';
  const why = id == null ? 'is missing, and server_label' : wordOf(id);
  const there = usable.length > 0 ? `, of which there are ${usable.map((one) => one.label).join(', ')}` : '';
  throw new ApiError(
    'invalid_value',
    `${param}.${field} ${why ? `${why} ` : ''}is no label in \`mcp\` of the configuration${there}`,
    {
      param: `${param}.${field}`,
    },
  );
}

/** The servers of the configuration that a caller may use. */
export function usableConnectors(connectors: readonly Connector[], caller: Caller): Connector[] {
  return connectors.filter((connector) => isFor(connector, caller));
}

/** Whether a caller may use a server of the configuration. */
function isFor({ tenants, scopes }: Connector, caller: Caller): boolean {
  const { tenant = DEFAULT_TENANT } = caller;
  return (tenants?.includes(tenant) ?? true) && (scopes?.every((scope) => may(caller, scope)) ?? true);
}

function ofClient(tool: McpTool, url: string): UsedServer {
  const headers = lowerCase({ ...tool.headers, ...bearer(tool) });
  return {
    label: tool.server_label,
    server: { url, headers },
    identity: `url ${url}`,
    secrets: secretsIn(headers, url),
    hasToken: headers.authorization !== undefined,
    description: tool.server_description ?? null,
    allowed: filters(tool),
    policies: [tool.require_approval == null ? 'always' : policy(tool.require_approval)],
  };
}

/** What a client asks narrows what the configuration allows, and never widens it. */
function ofConfiguration(tool: McpTool, param: string, connector: Connector, caller: Caller): UsedServer {
  if (tool.headers != null)
    throw unsupported(`${param}.headers`, 'must not be given for a server of the configuration, which has its own');
  const { allowedTools, requireApproval } = connector;
  const own = allowedTools && (Array.isArray(allowedTools) ? { names: allowedTools } : configured(allowedTools));
  const isProgram = 'command' in connector;
  if (isProgram && tool.authorization != null)
    throw unsupported(`${param}.authorization`, 'must not be given for a program, which takes none');
  const headers = isProgram
    ? {}
    : { ...lowerCase(connector.headers), ...lowerCase(credentialsOf(connector, caller) ?? {}), ...bearer(tool) };
  return {
    label: tool.server_label,
    server: isProgram
      ? { label: connector.label, command: connector.command, env: connector.env }
      : { url: connector.url, headers, configured: connector.url },
    identity: `label ${connector.label}`,
    secrets: isProgram ? credentialsIn(Object.entries(connector.env), Infinity) : secretsIn(headers, connector.url),
    hasToken: headers.authorization !== undefined,
    description: tool.server_description ?? connector.description ?? null,
    allowed: [...(own ? [own] : []), ...filters(tool)],
    policies: [
      typeof requireApproval === 'string'
        ? requireApproval
        : {
            always: requireApproval.always && configured(requireApproval.always),
            never: requireApproval.never && configured(requireApproval.never),
          },
      ...(tool.require_approval == null ? [] : [policy(tool.require_approval)]),
    ],
  };
}

/** The headers that a caller has at a server: those of its user, else those of its tenant. */
function credentialsOf(
  { credentials }: Extract<Connector, { url: string }>,
  { tenant = DEFAULT_TENANT, user }: Caller,
) {
  const own = credentials.filter((one) => one.tenant === tenant);
  const found =
    own.find((one) => one.user !== undefined && one.user === user) ?? own.find((one) => one.user === undefined);
  return found?.headers;
}

function bearer({ authorization }: McpTool): Record<string, string> {
  if (authorization == null) return {};
  return { authorization: /^bearer /i.test(authorization) ? authorization : `Bearer ${authorization}` };
}

function lowerCase(headers: JsonObject): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function filters({ allowed_tools: allowed }: McpTool): ToolFilter[] {
  if (allowed == null) return [];
  return [Array.isArray(allowed) ? { names: allowed } : filter(allowed)];
}

function policy(given: NonNullable<McpTool['require_approval']>): ApprovalPolicy {
  if (typeof given === 'string') return given;
  return {
    always: given.always ? filter(given.always) : undefined,
    never: given.never ? filter(given.never) : undefined,
  };
}

function filter({ tool_names, read_only }: Filter): ToolFilter {
  return { names: tool_names ?? undefined, readOnly: read_only ?? undefined };
}

function configured({
  toolNames,
  readOnly,
}: {
  toolNames?: string[] | undefined;
  readOnly?: boolean | undefined;
}): ToolFilter {
  return { names: toolNames, readOnly };
}

/** What of headers and a URL is a credential. */
function secretsIn(headers: Readonly<Record<string, string>>, url: string): string[] {
  return credentialsIn([...Object.entries(headers), ...new URL(url).searchParams]);
}
