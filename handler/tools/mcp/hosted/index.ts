import type { Caller } from '../../../caller.ts';
import type { HostedByMcp, HostedConfig } from '../../../config/hosted.ts';
import type { Connector } from '../../../config/mcp.ts';
import { unreachable, unsupported } from '../../../errors.ts';
import type { ItemEvent } from '../../../events/events.ts';
import { itemEvents } from '../../../events/item-events.ts';
import { newId } from '../../../ids.ts';
import { type McpCall, mcp_call } from '../../../items/mcp.ts';
import { blocksOf } from '../../../items/mcp-output.ts';
import { fixedLimits } from '../../../limits.ts';
import { parseObject } from '../../../parse-json.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';
import type { FunctionTool } from '../../../protocol/tools.ts';
import { resultOf } from '../../result-of.ts';
import type { ServerFunction, Tool, ToolResult } from '../../tool.ts';
import { type UsedServer, usableConnectors, usedServer } from '../servers.ts';
import { callKinds, type HostedCallItem } from './call-kinds.ts';
import { fixedArguments } from './members.ts';

type HostedName = keyof typeof callKinds;

/** An entry of `tools` that names a hosted tool, and the server that does its work. */
interface HostedUse {
  used: UsedServer;
  entry: JsonObject;
  param: string;
}

/** Hosted tools whose work a tool of an MCP server does: a model calls that, and clients see the API's own items. */
export function hostedTools(
  hosted: HostedConfig,
  connectors: readonly Connector[],
  open: Tool<UsedServer>['open'],
): Tool<HostedUse>[] {
  return Object.entries(hosted).flatMap(([name, entry]) =>
    entry && 'mcp' in entry && isHosted(name) ? [hostedTool(name, entry, connectors, open)] : [],
  );
}

function isHosted(name: string): name is HostedName {
  return Object.hasOwn(callKinds, name);
}

function hostedTool(
  name: HostedName,
  { mcp: label, tool }: HostedByMcp,
  connectors: readonly Connector[],
  openServer: Tool<UsedServer>['open'],
): Tool<HostedUse> {
  return {
    type: name,
    parse(entry, param, context) {
      const used = serverFor(label, tool, connectors, context?.caller ?? { id: '' });
      if (!used) throw unsupported(`${param}.type`, 'is not supported: what runs it here is not for this caller');
      return { used, entry, param };
    },
    async *open({ used, entry, param }, signal, context) {
      const opened = await resultOf(openServer(used, signal, context));
      const [only] = opened.functions;
      const close = async () => opened.close?.();
      try {
        if (!only)
          throw unreachable(`The MCP server '${label}' has no tool '${tool}', which does the work of ${name} here.`);
        const properties = propertiesOf(only.definition);
        const fixed = fixedArguments(name, entry, { param, properties, tool });
        const definition = { ...only.definition, name, parameters: without(only.definition, Object.keys(fixed)) };
        return { functions: [{ definition, run: runAs(name, only, fixed, newId('cntr')) }], close };
      } catch (error) {
        await close();
        throw error;
      }
    },
  };
}

/** The server of a label with one tool that needs no approval: whoever wrote the configuration has given it. */
function serverFor(
  label: string,
  tool: string,
  connectors: readonly Connector[],
  caller: Caller,
): UsedServer | undefined {
  const usable = usableConnectors(connectors, caller);
  if (!usable.some((one) => one.label === label)) return undefined;
  const used = usedServer({ type: 'mcp', server_label: label }, 'tools', usable, caller);
  // An image is an item's, and not the model's to read.
  return { ...used, allowed: [{ names: [tool] }], policies: ['never'], maxResult: fixedLimits.mcpReply };
}

/** Runs a call of an MCP tool, and shows it as an item of a hosted one. */
function runAs(name: HostedName, fn: ServerFunction, fixed: JsonObject, container: string): ServerFunction['run'] {
  const kind = callKinds[name];
  return async function* run(call, signal, context): AsyncGenerator<ItemEvent, ToolResult> {
    const args = parseObject(call.arguments);
    const begun = kind.begin(args ?? {}, container, context.include);
    const [completed, ...before] = [...itemEvents(begun, 0)].slice(0, -1).reverse();
    yield* before.reverse();
    const whole = args ? JSON.stringify({ ...args, ...fixed }) : call.arguments;
    const inner = fn.run({ ...call, name: fn.definition.name, arguments: whole }, signal, context);
    const { item: done, failed, output } = ended(kind, begun, await mcpCallOf(inner), context.include);
    if (!failed && completed) yield completed;
    const item = { ...done, function: { name, arguments: call.arguments, output } };
    yield { type: 'response.output_item.done', sequence_number: 0, output_index: 0, item };
    return { output, failed };
  };
}

/** The item of a call that has ended, and what the model reads of it. */
function ended(
  kind: (typeof callKinds)[HostedName],
  begun: HostedCallItem,
  call: McpCall,
  include: readonly string[],
): { item: HostedCallItem; failed: boolean; output: string } {
  const failedWith = (output: string) => ({ item: { ...begun, status: 'failed' as const }, failed: true, output });
  if (call.output === null) {
    const { output } = mcp_call.asAnswer(call);
    return failedWith(typeof output === 'string' ? output : 'The call failed.');
  }
  const blocks = blocksOf(call.output);
  const item = kind.end(begun, { blocks, include });
  if (!item) return failedWith(`The tool did not give what it is for. ${kind.tell(blocks)}`);
  return { item, failed: false, output: kind.tell(blocks) };
}

/** The item that a call of an MCP tool comes to. */
async function mcpCallOf(run: AsyncGenerator<ItemEvent, ToolResult>): Promise<McpCall> {
  for await (const event of run)
    if (event.type === 'response.output_item.done' && event.item.type === 'mcp_call') return event.item;
  throw new Error('a call of an MCP tool has no item');
}

function propertiesOf({ parameters }: FunctionTool): JsonObject {
  return isObject(parameters?.properties) ? parameters.properties : {};
}

/** The parameters of a function without those that are given. */
function without(definition: FunctionTool, names: readonly string[]): JsonObject {
  const { required, ...parameters } = definition.parameters ?? {};
  const properties = Object.entries(propertiesOf(definition)).filter(([name]) => !names.includes(name));
  const left = Array.isArray(required) ? required.filter((name) => !names.includes(name)) : [];
  return { ...parameters, properties: Object.fromEntries(properties), ...(left.length > 0 && { required: left }) };
}
