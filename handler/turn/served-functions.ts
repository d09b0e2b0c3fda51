import type { ModelCall } from '../backend/backend.ts';
import type { FunctionTool, HostedChoice } from '../protocol/tools.ts';
import type { ServerFunctions, ToolUse } from '../tools/tool.ts';
import { expandServerTools, functionChoice, type OpenedUse } from './served-choice.ts';

/** The definitions of a turn's server functions, by their tools. */
export class ServedFunctions {
  readonly #opened: OpenedUse[] = [];

  /** Adds the functions of an opened tool. */
  addOf(use: ToolUse | undefined, functions: ServerFunctions['functions']): void {
    if (use)
      this.add(
        use,
        functions.map(({ definition }) => definition),
      );
  }

  /** Adds the functions of a tool. */
  add(use: ToolUse, definitions: readonly FunctionTool[]): void {
    this.#opened.push({ use, definitions });
  }

  /** All definitions; of two with one name, the last. */
  get definitions(): FunctionTool[] {
    const all = this.#opened.flatMap(({ definitions }) => definitions);
    return [...new Map(all.map((definition) => [definition.name, definition])).values()];
  }

  /** The call with these functions added, and chosen where its choice, or the hosted tool that is `forced`, names their tool. */
  addTo(call: ModelCall, forced: HostedChoice | undefined): ModelCall {
    if (this.#opened.length === 0) return call;
    const tool_choice = forced
      ? functionChoice(forced, this.#opened)
      : expandServerTools(call.tool_choice, this.#opened);
    return { ...call, tools: [...call.tools, ...this.definitions], tool_choice };
  }
}
