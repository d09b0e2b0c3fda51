import type { Caller } from '../caller.ts';
import type { ItemEvent } from '../events/events.ts';
import type { FunctionCall } from '../items/function.ts';
import type { Item } from '../items/item.ts';
import type { McpApprovalRequest } from '../items/mcp-approval.ts';
import type { Annotation, InputPart } from '../protocol/content.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { EchoedTool } from '../protocol/response.ts';
import type { ClientTool, FunctionTool } from '../protocol/tools.ts';
import type { TraceHeaders } from '../trace-headers.ts';

/** The request that a tool runs for. */
export interface ToolContext {
  /** Headers that its own requests should have, so that its trace goes on where they go. */
  readonly trace?: TraceHeaders;
  /** Who sends it. */
  readonly caller: Caller;
  /** The input of the turn's first model call with its history, oldest first, as items are kept: approvals and lists of tools too. */
  readonly input: readonly Item[];
  /** Calls of MCP tools that the turn's own input approves, as they were asked for. */
  readonly approved?: readonly McpApprovalRequest[];
  /** What the request wants besides, such as `web_search_call.action.sources`. */
  readonly include: readonly string[];
}

/** A type of tool that runs on the server. */
export interface Tool<Config = unknown> {
  /** The `type` by which a request names it. */
  readonly type: string;
  /** Checks one entry of `tools`; throws an ApiError that names the field below `param`. */
  parse(entry: JsonObject, param: string, context?: Pick<ToolContext, 'caller'>): Config;
  /** The entry as responses show it, without credentials. Default: the entry. */
  echo?(entry: JsonObject & { type: string }): EchoedTool;
  /** Members of an entry that are credentials, or have some: a turn in the background keeps them sealed. Default: none. */
  readonly credentials?: readonly string[];
  /**
   * Its functions, if they are known before it is opened: the first call is then translated once, and refused before
   * anything is promised. `open` returns the same.
   */
  definitions?(config: Config): readonly FunctionTool[];
  /**
   * Opens the tool for one turn, at the same time as others. Yields events for the client, `output_index` from 0; those of all tools
   * interleave. Throw `unreachable` for what it cannot connect to.
   */
  open(config: Config, signal: AbortSignal, context: ToolContext): AsyncGenerator<ItemEvent, ServerFunctions>;
}

/** The functions of an opened tool. */
export interface ServerFunctions {
  functions: readonly ServerFunction[];
  /** Calls that the client has approved: they run before the model is first called, as if it had called them. */
  calls?: readonly FunctionCall[];
  /** Marks in the model's text that become links and citations. */
  marks?: TextMarks;
  /** Whether a name is of a function that only this tool could have: one that it has not is no function of the client's either. */
  owns?(name: string): boolean;
  /** Called once when the turn ends, however it ends. */
  close?(): Promise<void>;
}

/** A function that the server runs. */
export interface ServerFunction {
  definition: FunctionTool;
  /**
   * Runs one call, at the same time as others of its round. Yields events for the client, `output_index` from 0, and returns the
   * output for the model. Return a failure that the model should read; a throw fails the turn.
   */
  run(call: FunctionCall, signal: AbortSignal, context: ToolContext): AsyncGenerator<ItemEvent, ToolResult>;
  /** Whether a call only asks the client, and so does nothing. Default: none does. */
  asks?(call: FunctionCall): boolean;
}

/** Marks that a model is told to write into its text. In a text of a JSON format they stay as they are. */
export interface TextMarks {
  /** The texts around one. */
  begins: string;
  ends: string;
  /** The most characters from the beginning of `begins` to the end of `ends`: an open mark is held back for as long. */
  maxLength: number;
  /**
   * What stands in place of a mark, by the text inside, and its citation with indexes that count from 0 in `text`. Undefined: the mark stays as
   * it is.
   */
  replace(inner: string): { text: string; annotation?: Annotation } | undefined;
}

/** The result of a function call. */
export interface ToolResult {
  output: string | InputPart[];
  /** Whether the call failed, for logs and traces. */
  failed?: boolean;
  /** Ends the turn after this round, since only the client can go on (an approval). */
  endTurn?: boolean;
  /** With `endTurn`: events for the client that come when all calls of the round have ended, of whatever tools they are (what it is asked). */
  last?: Iterable<ItemEvent>;
  /** Tools of the client's that the model may call from now on. */
  tools?: readonly ClientTool[];
  /** Citations for the text that the model writes next. */
  citations?: readonly Annotation[];
}

/** One entry of a request's `tools` with the tool that serves it. */
export interface ToolUse {
  tool: Tool;
  config: unknown;
  /** The entry, if the request has one. */
  entry?: JsonObject;
}
