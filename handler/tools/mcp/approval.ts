import { newItemId } from '../../items/item.ts';
import type { McpApprovalRequest } from '../../items/mcp-approval.ts';
import type { Seal } from '../../seal.ts';
import { hashOf } from './list-cache.ts';
import type { ServerTool } from './session.ts';

// The id of an approval request vouches for what was asked: the server, the tool and its arguments, and the tool's description and schema as
// they were. So a client that keeps its history itself can approve nothing else, and what has changed meanwhile is asked again.

/** What a client is asked to approve. */
export type AskedCall = Pick<McpApprovalRequest, 'server_label' | 'name' | 'arguments'>;

/** Hexadecimal digits of an id behind its prefix: when it was made and a random part, what was asked, the tool as it was. */
const [STAMP, CALL, TOOL] = [20, 20, 16];

/** The id of a request to approve a call of a tool of this `server`. */
export async function approvalId(seal: Seal, server: string, asked: AskedCall, tool: ServerTool): Promise<string> {
  const prefix = newItemId('mcp_approval_request').slice(0, 'mcpr_'.length + STAMP);
  const [call = ''] = await signCall(seal, prefix, server, asked);
  const [made = ''] = await signTool(seal, prefix, tool);
  return `${prefix}${call}${made}`;
}

/** Whether this server asked for this, and whether the tool is what it was then. */
export async function checkApproval(
  seal: Seal,
  server: string,
  request: McpApprovalRequest,
  tool: ServerTool | undefined,
): Promise<'asked' | 'changed' | 'unknown'> {
  const prefix = request.id.slice(0, 'mcpr_'.length + STAMP);
  const [call, made] = [request.id.slice(prefix.length, prefix.length + CALL), request.id.slice(prefix.length + CALL)];
  if (!(await signCall(seal, prefix, server, request)).includes(call)) return 'unknown';
  return tool && (await signTool(seal, prefix, tool)).includes(made) ? 'asked' : 'changed';
}

async function signCall(seal: Seal, prefix: string, server: string, asked: AskedCall): Promise<string[]> {
  const { server_label, name, arguments: args } = asked;
  const signatures = await seal.sign('approval', JSON.stringify([prefix, server, server_label, name, args]));
  return signatures.map((signature) => signature.slice(0, CALL));
}

async function signTool(seal: Seal, prefix: string, tool: ServerTool): Promise<string[]> {
  const { name, description, inputSchema } = tool;
  const signatures = await seal.sign(
    'approval',
    JSON.stringify([prefix, await hashOf(name, description, inputSchema)]),
  );
  return signatures.map((signature) => signature.slice(0, TOOL));
}
