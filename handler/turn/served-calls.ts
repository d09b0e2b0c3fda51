import type { ItemEvent } from '../events/events.ts';
import type { FunctionCall, FunctionOutput } from '../items/function.ts';
import { newItemId } from '../items/item.ts';
import { fixedLimits } from '../limits.ts';
import type { ClientTool } from '../protocol/tools.ts';
import type { ServerFunction, ToolContext, ToolResult } from '../tools/tool.ts';
import type { OutputIndexes } from './output-indexes.ts';

/** Calls are about to run. */
export interface Calling {
  type: 'calling';
}

/** What calls have come to. */
export interface CallOutputs {
  /** An output for each call, in their order. */
  outputs: FunctionOutput[];
  /** Whether one of them ends the turn. */
  endsTurn: boolean;
  /** Tools of the client's that the model may call from now on, and citations for its next text. */
  tools: ClientTool[];
  citations: NonNullable<ToolResult['citations']>[number][];
}

/** What runs the calls of a turn's server functions. */
export interface ServedCallsOptions {
  functions: ReadonlyMap<string, ServerFunction>;
  context: ToolContext;
  indexes: OutputIndexes;
  /** Calls at a time. */
  atOnce: number;
  /** Called before one is waited for. */
  waits(): void;
  /** Calls of the turn in all, and how many it has had. */
  max: number | null;
  count: number;
  signal: AbortSignal;
}

/** The calls of a turn's server functions: those of a round run at the same time, and no more in all than the client allows. */
export class ServedCalls {
  readonly #options: ServedCallsOptions;
  readonly #max: number;
  #count: number;

  constructor(options: ServedCallsOptions) {
    this.#options = options;
    this.#max = Math.min(options.max ?? Number.POSITIVE_INFINITY, fixedLimits.turnCalls);
    this.#count = options.count;
  }

  /** The calls so far. */
  get count(): number {
    return this.#count;
  }

  /** Whether another call may run. */
  get mayRun(): boolean {
    return this.#count < this.#max;
  }

  /** Runs calls; yields a Calling before any runs, and their events. The first ones run, if not all may. */
  async *run(calls: readonly FunctionCall[]): AsyncGenerator<ItemEvent | Calling, CallOutputs> {
    const { functions, context, indexes, atOnce, waits, signal } = this.#options;
    const toRun = calls.slice(0, Math.max(0, this.#max - this.#count));
    this.#count += toRun.length;
    if (toRun.length > 0) yield { type: 'calling' };
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const running = toRun.map((call) => runOne(functions.get(call.name), call, either, context));
    const results = yield* indexes.moveAll(running, { atOnce, waits, stop: () => stop.abort() });
    return {
      outputs: calls.map(({ call_id }, index) => outputOf(call_id, (results[index] ?? NOT_RUN).output)),
      endsTurn: results.some(({ endTurn }) => endTurn === true),
      tools: results.flatMap(({ tools }) => tools ?? []),
      citations: results.flatMap(({ citations }) => citations ?? []),
    };
  }
}

/** The output of a call, for the model. */
export function outputOf(call_id: string, output: ToolResult['output']): FunctionOutput {
  return { type: 'function_call_output', id: newItemId('function_call_output'), call_id, output, status: 'completed' };
}

/** The output of a call beyond `max_tool_calls`. */
const NOT_RUN: ToolResult = { output: 'Not run: no more tool calls are allowed in this turn.' };

/** The output of a call that a client has approved, of a function that is gone meanwhile. */
const GONE: ToolResult = { output: 'Not run: there is no such function any more.', failed: true };

async function* runOne(
  serverFunction: ServerFunction | undefined,
  call: FunctionCall,
  signal: AbortSignal,
  context: ToolContext,
): AsyncGenerator<ItemEvent, ToolResult> {
  return serverFunction ? yield* serverFunction.run(call, signal, context) : GONE;
}
