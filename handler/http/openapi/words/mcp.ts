import type { MemberWords } from './usage.ts';

/** The members of what tools of MCP servers did. */
export const mcpWords: Readonly<Record<string, MemberWords>> = {
  'InputMcpListTools.error': ['What went wrong; null for nothing.', null],
  server_label: ['The label of the MCP server.', 'crm'],
  approval_request_id: ['The request for approval that came before.', 'mcpr_1'],
  'InputMcpApprovalResponse.approve': ['Whether the call may run.', true],
  'InputMcpApprovalResponse.reason': ['Why not, for the model.', 'Only after lunch.'],
};
