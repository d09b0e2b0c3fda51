import type { ItemEvent } from '../events/events.ts';
import type { FunctionCall } from '../items/function.ts';
import type { Annotation, InputPart } from '../protocol/content.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ClientTool, FunctionTool } from '../protocol/tools.ts';
import type { TraceHeaders } from '../trace-headers.ts';

/** The request that a tool runs for. */
export interface ToolContext {
  /** Headers that its own requests should have, so that its trace goes on where they go. */
  readonly trace?: TraceHeaders;
}

/** A type of tool that runs on the server. */
export interface Tool<Config = unknown> {
  /** The `type` by which a request names it. */
  readonly type: string;
  /** Checks one entry of `tools`; throws an ApiError that names the field below `param`. */
  parse(entry: JsonObject, param: string): Config;
  /**
   * Its functions, if they are known before it is opened: the first call is then translated once, and refused before
   * anything is promised. `open` returns the same.
   */
  definitions?(config: Config): readonly FunctionTool[];
  /** Opens the tool for one turn. Yields events for the client, `output_index` from 0. */
  open(config: Config, signal: AbortSignal, context?: ToolContext): AsyncGenerator<ItemEvent, ServerFunctions>;
}

/** The functions of an opened tool. */
export interface ServerFunctions {
  functions: readonly ServerFunction[];
  /** Called once when the turn ends, however it ends. */
  close?(): Promise<void>;
}

/** A function that the server runs. */
export interface ServerFunction {
  definition: FunctionTool;
  /**
   * Runs one call. Yields events for the client, `output_index` from 0, and returns the output for the model. Return
   * a failure that the model should read; a throw fails the turn.
   */
  run(call: FunctionCall, signal: AbortSignal, context?: ToolContext): AsyncGenerator<ItemEvent, ToolResult>;
}

/** The result of a function call. */
export interface ToolResult {
  output: string | InputPart[];
  /** Ends the turn after this round, since only the client can go on (an approval). */
  endTurn?: boolean;
  /** Tools of the client's that the model may call from now on. */
  tools?: readonly ClientTool[];
  /** Citations for the text that the model writes next. */
  citations?: readonly Annotation[];
}

/** One entry of a request's `tools` with the tool that serves it. */
export interface ToolUse {
  tool: Tool;
  config: unknown;
}
