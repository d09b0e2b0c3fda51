import type { McpBlock } from '../../items/mcp-output.ts';
import { isObject, isShallow } from '../../protocol/json.ts';
import { BadReply } from './failure.ts';
import type { CallResult, ServerTool } from './session.ts';

/** Names that tools of MCP have, and may have had. */
const NAME = /^[^\p{Cc}\p{Cs}]{1,256}$/u;

/** A tool of a list; throws a BadReply for one that is none. */
export function toTool(value: unknown): ServerTool {
  const { name, description, inputSchema, annotations } = isObject(value) ? value : {};
  if (typeof name !== 'string' || !NAME.test(name)) throw new BadReply('One of its tools has no name.');
  if (!isObject(inputSchema) || !isShallow(inputSchema))
    throw new BadReply('One of its tools has no schema of its input.');
  return {
    name,
    description: typeof description === 'string' ? description : '',
    inputSchema,
    readOnly: isObject(annotations) && annotations.readOnlyHint === true,
  };
}

/** A result; throws a BadReply for one that is none. */
export function toResult(value: unknown): CallResult {
  if (!isObject(value)) throw new BadReply('Its result is no object.');
  const { content = [], structuredContent, isError } = value;
  if (!Array.isArray(content) || !content.every(isBlock)) throw new BadReply('Its result has no content.');
  return { blocks: content, structured: structuredContent, isError: isError === true };
}

function isBlock(value: unknown): value is McpBlock {
  return isObject(value) && typeof value.type === 'string';
}
