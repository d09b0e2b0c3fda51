import type { ModelCall } from '../backend/backend.ts';
import type { FunctionTool } from '../protocol/tools.ts';
import type { ServerFunctions, ToolUse } from '../tools/tool.ts';
import { expandServerTools } from './choice.ts';

/** The definitions of a turn's server functions, by the type of their tool. */
export class ServedFunctions {
  readonly #byType = new Map<string, FunctionTool[]>();

  /** Adds the functions of an opened tool. */
  addOf(use: ToolUse | undefined, functions: ServerFunctions['functions']): void {
    if (use)
      this.add(
        use.tool.type,
        functions.map(({ definition }) => definition),
      );
  }

  /** Adds the functions of a tool. */
  add(type: string, definitions: readonly FunctionTool[]): void {
    this.#byType.set(type, [...(this.#byType.get(type) ?? []), ...definitions]);
  }

  /** All definitions; of two with one name, the last. */
  get definitions(): FunctionTool[] {
    const byName = new Map([...this.#byType.values()].flat().map((definition) => [definition.name, definition]));
    return [...byName.values()];
  }

  /** The call with these functions added, and allowed where its choice names their tool's type. */
  addTo(call: ModelCall): ModelCall {
    if (this.#byType.size === 0) return call;
    const tool_choice = expandServerTools(call.tool_choice, this.#byType);
    return { ...call, tools: [...call.tools, ...this.definitions], tool_choice };
  }
}
