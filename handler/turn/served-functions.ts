import type { ModelCall } from '../backend/backend.ts';
import type { FunctionTool } from '../protocol/tools.ts';
import { expandServerTools } from './choice.ts';

/** The functions of the tools that this server runs in a turn, as the model is told of them. */
export class ServedFunctions {
  readonly #byType = new Map<string, FunctionTool[]>();

  /** Adds those of a tool of this type. */
  add(type: string, definitions: readonly FunctionTool[]): void {
    this.#byType.set(type, [...(this.#byType.get(type) ?? []), ...definitions]);
  }

  /** All of them; of two with one name the last. */
  get definitions(): FunctionTool[] {
    const byName = new Map([...this.#byType.values()].flat().map((definition) => [definition.name, definition]));
    return [...byName.values()];
  }

  /** A call that offers them as well, and allows them where its choice names the types of their tools. */
  addTo(call: ModelCall): ModelCall {
    if (this.#byType.size === 0) return call;
    const tool_choice = expandServerTools(call.tool_choice, this.#byType);
    return { ...call, tools: [...call.tools, ...this.definitions], tool_choice };
  }
}
