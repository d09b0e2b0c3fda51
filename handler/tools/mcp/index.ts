import { type Caller, partitionOf } from '../../caller.ts';
import type { Config } from '../../config/index.ts';
import { misconfigured } from '../../config/problems.ts';
import { fixedLimits } from '../../limits.ts';
import type { OpenTools, ToolServices } from '../open-tools.ts';
import type { Tool } from '../tool.ts';
import { openSessions } from './client.ts';
import { echoEntry } from './entry.ts';
import { hostedTools } from './hosted/index.ts';
import { ListCache } from './list-cache.ts';
import { openServer } from './open.ts';
import type { Programs } from './programs.ts';
import { type UsedServer, usedServer } from './servers.ts';

/** What of `limits.tool` is left, in milliseconds, when a server has not replied in time, and at most a tenth: else the call would end without a word of why. */
const TO_SAY_WHY = 500;

/** Opens the tool `mcp`, and hosted tools that the configuration has run by it: servers by their URLs, and those of the configuration. Programs need a root that starts them. */
export const openMcp: OpenTools = (config, services) => toolsOver(config, mcpTool(config, services));

/** The same where there are programs. They are one for all configurations, and their root ends them. */
export function openMcpWith(programs: Programs): OpenTools {
  return (config, services) => toolsOver(config, mcpTool(config, services, programs));
}

/** The tool, and the hosted ones whose work its servers do. */
function toolsOver({ hosted, mcp }: Config, tool: Tool<UsedServer>): Tool[] {
  return [tool, ...hostedTools(hosted, mcp, tool.open)] as Tool[]; // each is given what it has parsed
}

function mcpTool(
  { mcp, isolation, limits }: Config,
  { egress, seal }: ToolServices,
  programs?: Programs,
): Tool<UsedServer> {
  const program = programs ? -1 : mcp.findIndex((connector) => 'command' in connector);
  if (program >= 0)
    throw misconfigured(`mcp.${program}.command`, 'needs a root that starts programs, which the Node server is');
  const timeout = limits.tool - Math.min(TO_SAY_WHY, limits.tool / 10);
  const openSession = openSessions({
    fetchFor: ({ headers, configured }) =>
      egress.open({
        maxBytes: fixedLimits.mcpReply,
        timeout,
        silence: limits.background,
        credentials: Object.keys(headers),
        ...(configured !== undefined && { configured }),
      }),
    programs,
    timeout,
  });
  const lists = new ListCache();
  const partition = (caller: Caller) => partitionOf(caller, isolation) ?? '';
  return {
    type: 'mcp',
    parse: (entry, param, context) => usedServer(entry, param, mcp, context?.caller ?? { id: '' }),
    echo: echoEntry,
    credentials: ['authorization', 'headers', 'server_url'],
    open: (used, signal, context) =>
      openServer(
        used,
        {
          openSession,
          lists,
          sealFor: ({ caller }) => ({ seal: seal(partition(caller)), partition: partition(caller) }),
          maxResult: used.maxResult ?? limits.toolResult,
        },
        signal,
        context,
      ),
  };
}
