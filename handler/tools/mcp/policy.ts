import type { ServerTool } from './session.ts';

/** Some tools of a server: those of these names, or that change nothing, or both. */
export interface ToolFilter {
  names?: readonly string[] | undefined;
  readOnly?: boolean | undefined;
}

/** Which tools run only after the client has approved the call: `never` is for those that need not, all others do. */
export type ApprovalPolicy = 'always' | 'never' | { always?: ToolFilter | undefined; never?: ToolFilter | undefined };

/** Whether a filter names a tool. */
export function names({ names, readOnly }: ToolFilter, tool: ServerTool): boolean {
  return (names?.includes(tool.name) ?? true) && (readOnly === undefined || readOnly === tool.readOnly);
}

/** Whether a call of a tool needs an approval. Of a policy that names only tools that do, others do not. */
export function needsApproval(policy: ApprovalPolicy, tool: ServerTool): boolean {
  if (policy === 'always') return true;
  if (policy === 'never') return false;
  if (policy.always && names(policy.always, tool)) return true;
  return policy.never !== undefined && !names(policy.never, tool);
}
