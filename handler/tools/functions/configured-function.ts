import type { Caller } from '../../caller.ts';
import { ANY_TENANT, DEFAULT_TENANT } from '../../caller.ts';
import type { McpError } from '../../items/mcp.ts';
import type { FunctionTool } from '../../protocol/tools.ts';
import type { ToolContext } from '../tool.ts';

/** What a function has come to: a text for the model, or why it failed, which the model reads as well. */
export type FunctionAnswer = { output: string } | { error: McpError };

/** A function that this server runs, by its configuration or a program, and that requests need not define. */
export interface ConfiguredFunction {
  definition: FunctionTool;
  /** Whether every turn is offered it, or those whose request names it. */
  offer: 'always' | 'named';
  /** The tenants that have it; `*` is everybody. Default: everybody. */
  tenants?: readonly string[] | undefined;
  /**
   * Runs one call with its arguments as the model wrote them. Rejects if the signal aborts; any other rejection is a failed call, of which the
   * model reads no more than that.
   */
  run(args: string, signal: AbortSignal, context: ToolContext): Promise<FunctionAnswer>;
}

/** The functions that a caller has, by their names. */
export function functionsOf(
  functions: readonly ConfiguredFunction[],
  { tenant = DEFAULT_TENANT }: Pick<Caller, 'tenant'>,
): Map<string, ConfiguredFunction> {
  const own = functions.filter(
    ({ tenants = [ANY_TENANT] }) => tenants.includes(tenant) || tenants.includes(ANY_TENANT),
  );
  return new Map(own.map((one) => [one.definition.name, one]));
}
