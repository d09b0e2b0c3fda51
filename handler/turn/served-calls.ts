import type { ItemEvent } from '../events/events.ts';
import type { FunctionCall, FunctionOutput } from '../items/function.ts';
import { type Item, newItemId } from '../items/item.ts';
import { fixedLimits } from '../limits.ts';
import type { Annotation } from '../protocol/content.ts';
import type { CallChoice, ClientTool } from '../protocol/tools.ts';
import type { ServerFunction, ToolContext, ToolResult } from '../tools/tool.ts';
import { mayCall } from './choice.ts';
import type { OutputIndexes } from './output-indexes.ts';
import type { RoundsSoFar } from './record.ts';

/** Calls of a round are about to run. */
export interface Calling extends RoundsSoFar {
  type: 'calling';
  /** Items that the round adds to the model's input so far. */
  newItems: Item[];
}

/** One of several calls has ended, or one that ends the turn. */
export interface Called {
  type: 'called';
  output: FunctionOutput;
  citations: readonly Annotation[];
  endsTurn: boolean;
}

/** What calls have come to. */
export interface CallOutputs {
  /** An output for each call, in their order. */
  outputs: FunctionOutput[];
  /** Whether one of them ends the turn. */
  endsTurn: boolean;
  /** What calls that end the turn show last, and that they have ended. */
  last: Iterable<ItemEvent | Called>;
  /** Tools of the client's that the model may call from now on, and citations for its next text. */
  tools: ClientTool[];
  citations: Annotation[];
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

  /**
   * Runs calls that the turn's `choice` lets the model make; yields their events, and what `calling` makes before any runs, by the number of
   * calls so far. The first ones run, if not all may.
   */
  async *run(
    calls: readonly FunctionCall[],
    choice: CallChoice,
    calling: (count: number) => Calling,
  ): AsyncGenerator<ItemEvent | Calling | Called, CallOutputs> {
    const { functions, context, indexes, atOnce, waits, signal } = this.#options;
    const isChosen = ({ name }: FunctionCall) => mayCall(choice, functions.get(name)?.definition);
    const toRun = calls.filter(isChosen).slice(0, Math.max(0, this.#max - this.#count));
    this.#count += toRun.length;
    if (toRun.length > 0) yield calling(this.#count);
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    let left = toRun.length;
    const runOne = async function* (call: FunctionCall): AsyncGenerator<ItemEvent | Called, Ran> {
      const result = yield* functions.get(call.name)?.run(call, either, context) ?? gone();
      const output = outputOf(call.call_id, result.output);
      const { citations = [], endTurn = false, last } = result;
      const called: Called = { type: 'called', output, citations, endsTurn: endTurn || last !== undefined };
      // The end of the last one is the end of the round, unless the turn has to end with it.
      if (!last && (--left > 0 || endTurn)) yield called;
      return { result, called };
    };
    const running = toRun.map(runOne);
    const ran = yield* indexes.moveAll(running, { atOnce, waits, stop: () => stop.abort() });
    const results = ran.map(({ result }) => result);
    const outputs = new Map(toRun.map((call, index) => [call, ran[index]?.called.output]));
    return {
      outputs: calls.map((call) => outputs.get(call) ?? outputOf(call.call_id, isChosen(call) ? NOT_RUN : NOT_CHOSEN)),
      endsTurn: ran.some(({ called }) => called.endsTurn),
      last: shownLast(ran, indexes),
      tools: results.flatMap(({ tools }) => tools ?? []),
      citations: results.flatMap(({ citations }) => citations ?? []),
    };
  }
}

/** The output of a call, for the model. */
export function outputOf(call_id: string, output: ToolResult['output']): FunctionOutput {
  return { type: 'function_call_output', id: newItemId('function_call_output'), call_id, output, status: 'completed' };
}

/** A call that has run. */
interface Ran {
  result: ToolResult;
  called: Called;
}

function* shownLast(ran: readonly Ran[], indexes: OutputIndexes): Generator<ItemEvent | Called> {
  for (const { result, called } of ran) {
    if (!result.last) continue;
    const move = indexes.of();
    for (const event of result.last) if (move(event)) yield event;
    yield called;
  }
}

/** The output of a call beyond `max_tool_calls`. */
const NOT_RUN = 'Not run: no more tool calls are allowed in this turn.';

/** The output of a call that a model was not offered and has made all the same, as small ones do after their history. */
const NOT_CHOSEN = 'Not run: this function may not be called in this turn.';

/** The output of a call that a client has approved, of a function that is gone meanwhile. */
const GONE: ToolResult = { output: 'Not run: there is no such function.', failed: true };

// biome-ignore lint/correctness/useYield: there is nothing to show of it
async function* gone(): AsyncGenerator<never, ToolResult> {
  return GONE;
}
