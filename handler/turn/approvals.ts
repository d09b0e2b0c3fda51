import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import type { McpCall } from '../items/mcp.ts';
import type { McpApprovalRequest, McpApprovalResponse } from '../items/mcp-approval.ts';

/** The calls that a turn's own input approves, and the items as its model reads them. */
export interface Approvals {
  /** They run before the model is called. */
  approved: readonly McpApprovalRequest[];
  /** Without requests and responses: in the place of a request without a call stands what became of it. */
  items: readonly Item[];
}

/**
 * Reads the approvals of `whole`, whose last items are the turn's `own` input. Throws an ApiError for an answer to what was not asked, or
 * was answered before, and for an approval of a tool whose server is not among `labels`.
 */
export function readApprovals(whole: readonly Item[], own: readonly Item[], labels: ReadonlySet<unknown>): Approvals {
  if (!whole.some(isApproval)) return { approved: [], items: whole };
  const requests = new Map<string, McpApprovalRequest>();
  const responses = new Map<string, McpApprovalResponse>();
  const called = new Set<string | null>();
  const ours = new Set(own);
  for (const item of whole) {
    if (item.type === 'mcp_approval_request') requests.set(item.id, item);
    else if (item.type === 'mcp_call') called.add(item.approval_request_id);
    else if (item.type === 'mcp_approval_response') {
      const { approval_request_id: id } = item;
      if (ours.has(item)) {
        if (!requests.has(id)) throw refused(`names no approval request of this conversation: ${CURE}`);
        if (responses.has(id) || called.has(id)) throw refused('names an approval request that was answered before');
      }
      responses.set(id, item);
    }
  }
  const open = [...responses.values()].filter(({ approve, approval_request_id: id }) => approve && !called.has(id));
  const approved = open
    .filter((response) => ours.has(response))
    .flatMap(({ approval_request_id: id }) => requests.get(id) ?? []);
  for (const { server_label } of approved) {
    if (!labels.has(server_label)) throw refused('approves a call of an MCP server that is not in tools');
  }
  const runs = new Set(approved);
  return {
    approved,
    items: whole.flatMap((item) => {
      if (item.type === 'mcp_approval_response') return [];
      if (item.type !== 'mcp_approval_request') return [item];
      if (called.has(item.id) || runs.has(item)) return [];
      return [asCall(item, outcomeOf(responses.get(item.id)))];
    }),
  };
}

function isApproval({ type }: Item): boolean {
  return type === 'mcp_approval_request' || type === 'mcp_approval_response';
}

/** What became of a request without a call. */
function outcomeOf(response: McpApprovalResponse | undefined): string {
  if (!response) return 'Not run: the user was asked to approve this call, and has not answered.';
  if (response.approve) return 'The user approved this call. Whether it has run is not known.';
  return `Not run: the user refused this call.${response.reason ? ` The reason: ${response.reason}` : ''}`;
}

function asCall({ id, server_label, name, arguments: args }: McpApprovalRequest, output: string): McpCall {
  const none = { error: null, approval_request_id: id, status: 'completed' } as const;
  return { type: 'mcp_call', id, server_label, name, arguments: args, output, ...none };
}

/** Where nothing is kept, a client has to send what it answers, which the AI SDK does not. */
const CURE =
  'send its mcp_approval_request back before it, or go on from the response that asked (previous_response_id, or its conversation); the AI SDK can do neither with store: false';

function refused(why: string): ApiError {
  return new ApiError('refused', `approval_request_id of an mcp_approval_response ${why}.`, { param: 'input' });
}
