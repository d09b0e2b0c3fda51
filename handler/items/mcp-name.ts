import { hashOf, shortened } from './wire-name.ts';

/**
 * The label of calls of functions that this server has by its configuration, which requests name without one. Labels of MCP servers have no dot.
 */
export const FUNCTIONS_LABEL = 'antiphon.functions';

/**
 * The name of the function that a tool of an MCP server is to a model: `mcp_LABEL__NAME`, so that equal names of two servers are
 * two. What is in no name of a function is replaced, and a hash keeps such names apart, as it does longer ones.
 */
export function mcpFunctionName(label: string, name: string): string {
  if (label === FUNCTIONS_LABEL && /^[\w-]{1,64}$/.test(name)) return name;
  const whole = `${beginning(label)}${name}`;
  // Else another label and name could come to the same text.
  const isPlain = /^[\w-]+$/.test(whole) && isPlainLabel(label);
  return shortened(isPlain ? whole : `${whole.replace(/[^\w-]/g, '_').slice(0, 50)}_${hashOf(whole)}`);
}

/** Whether a name can be of no function but one of this server's, whether or not it has that one. */
export function isNameOf(label: string, name: string): boolean {
  return isPlainLabel(label) && name.startsWith(beginning(label));
}

function beginning(label: string): string {
  return `mcp_${label}__`;
}

/** Whether names that begin with a label are those of no other one. */
function isPlainLabel(label: string): boolean {
  return !/__|_$/.test(label);
}
