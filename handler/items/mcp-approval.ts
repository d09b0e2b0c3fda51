import * as v from 'valibot';
import { Id, maybe, Text } from '../protocol/fields.ts';
import type { ApprovalKind, AskedApprovalKind } from './kind.ts';

// The question whether a tool of an MCP server may run, and the client's answer.

const InputMcpApprovalRequest = v.object({
  type: v.literal('mcp_approval_request'),
  id: Id,
  server_label: v.string(),
  name: v.pipe(v.string(), v.nonEmpty(), v.maxLength(256)),
  arguments: Text,
});

const InputMcpApprovalResponse = v.object({
  type: v.literal('mcp_approval_response'),
  id: Id,
  approval_request_id: v.pipe(v.string(), v.nonEmpty(), v.maxLength(256)),
  approve: v.boolean(),
  reason: maybe(Text),
});

/** The question whether a call may run. Its id vouches for what was asked. */
export interface McpApprovalRequest {
  type: 'mcp_approval_request';
  id: string;
  server_label: string;
  name: string;
  arguments: string;
}

/** The client's answer. */
export interface McpApprovalResponse {
  type: 'mcp_approval_response';
  id: string;
  approval_request_id: string;
  approve: boolean;
  reason?: string;
}

/** The question whether a call may run, which ends a turn. */
export const mcp_approval_request: AskedApprovalKind<typeof InputMcpApprovalRequest, McpApprovalRequest> = {
  role: 'approval',
  schema: InputMcpApprovalRequest,
  title: 'InputMcpApprovalRequest',
  prefix: 'mcpr',
  keep: (input, id) => ({ ...input, id }),
  stream: { readWhole: false, begin: (item) => item, events: () => [], fold: {} },
};

/** The client's answer to it. */
export const mcp_approval_response: ApprovalKind<typeof InputMcpApprovalResponse, McpApprovalResponse> = {
  role: 'approval',
  schema: InputMcpApprovalResponse,
  title: 'InputMcpApprovalResponse',
  prefix: 'mcpa',
  keep: (input, id) => ({ ...input, id }),
};
