// antiphon/tool: the port of tools that this server runs, and what an implementation of it needs.

export type { ContractCase } from '../handler/contract.ts';
export {
  type Egress,
  EgressError,
  type EgressReason,
  type EgressRules,
  type FetchLike,
} from '../handler/egress/egress.ts';
export { ApiError, type ErrorKind, unreachable, unsupported } from '../handler/errors.ts';
export type { ItemEvent } from '../handler/events/events.ts';
export type { FunctionCall } from '../handler/items/function.ts';
export { newItemId } from '../handler/items/item.ts';
export type { McpCall } from '../handler/items/mcp.ts';
export { mcpFunctionName } from '../handler/items/mcp-name.ts';
export type { Annotation, InputPart } from '../handler/protocol/content.ts';
export type { JsonObject } from '../handler/protocol/json.ts';
export type { ClientTool, FunctionTool } from '../handler/protocol/tools.ts';
export type { ToldCall } from '../handler/tools/contract/calls.ts';
export { toolContract } from '../handler/tools/contract/index.ts';
export type { ToolSubject } from '../handler/tools/contract/subject.ts';
export { watchTool } from '../handler/tools/contract/watch.ts';
export type { OpenTools, ToolServices } from '../handler/tools/open-tools.ts';
export type {
  ServerFunction,
  ServerFunctions,
  TextMarks,
  Tool,
  ToolContext,
  ToolResult,
} from '../handler/tools/tool.ts';
