import type { BackendEvent, Finish, ModelCall, Prepare } from '../backend/backend.ts';
import type { ItemEvent } from '../events/events.ts';
import type { FunctionCall, FunctionOutput } from '../items/function.ts';
import { type Item, newItemId, type OutputItem } from '../items/item.ts';
import { isCall, isServerCall } from '../items/roles.ts';
import { fixedLimits } from '../limits.ts';
import type { Response } from '../protocol/response.ts';
import { resultOf } from '../tools/result-of.ts';
import type { ServerFunction, ServerFunctions, ToolResult, ToolUse } from '../tools/tool.ts';
import { afterToolRan, allowAlso, withoutFunctions } from './choice.ts';
import { Citations } from './citations.ts';
import { MISFORMED, MisformedCalls } from './misformed-calls.ts';
import type { RoundsSoFar } from './record.ts';
import { ServedFunctions } from './served-functions.ts';
import { truncate } from './truncate.ts';
import { sumUsage } from './usage.ts';

/** The end of a round: the model is called again, and the output so far stands. */
export interface RoundEnd extends RoundsSoFar {
  type: 'round';
  /** Items the round adds to the model's input. */
  newItems: Item[];
}

/** A server function is about to run. */
export interface Calling {
  type: 'calling';
}

/**
 * The tool loop: calls the model, runs its calls of server functions, and calls it again with their outputs, at most
 * `maxRounds` times and within `max_tool_calls`. Yields the events for the client, with `output_index` over all
 * rounds (a server function's call is shown only as its tool shows it), KeepAlives, a Calling before each function, a
 * RoundEnd between rounds, then one Finish with the total usage. A round is the last if the client has to answer too,
 * or a tool ends the turn.
 */
export async function* rounds(
  prepare: Prepare,
  { call, first, uses, response, room, resumed = BEGINNING }: Rounds,
  maxRounds: number,
  signal: AbortSignal,
): AsyncGenerator<BackendEvent | Calling | RoundEnd, void> {
  const indexes = new OutputIndexes(response.output.length);
  const openTools: ServerFunctions[] = [];
  try {
    const servedFunctions = new ServedFunctions();
    for (const { tool, config } of uses) {
      const opening = tool.open(config, signal);
      // Clients saw these events in the first round.
      const serverFunctions = resumed.round > 1 ? await resultOf(opening) : yield* indexes.move(opening);
      openTools.push(serverFunctions);
      servedFunctions.add(
        tool.type,
        serverFunctions.functions.map((fn) => fn.definition),
      );
    }
    const functions = new Map(
      openTools.flatMap((tool) => tool.functions.map((fn) => [fn.definition.name, fn] as const)),
    );
    const clientTools = [...call.tools];
    let { tool_choice } = servedFunctions.addTo(call);
    const citations = new Citations();
    citations.queue(resumed.citations);
    const misformed = new MisformedCalls(call.tools);
    let mayGiveBack = true;
    let hasRun = resumed.round > 1;
    let input = call.input;
    let { usage, calls: callCount } = resumed;
    const maxCalls = Math.min(response.max_tool_calls ?? Number.POSITIVE_INFINITY, fixedLimits.turnCalls);
    for (let { round } = resumed; ; round++) {
      const move = indexes.of();
      const roundOutput: OutputItem[] = [];
      let finish: Finish | undefined;
      const mayCall = callCount < maxCalls;
      const choice = hasRun ? afterToolRan(tool_choice) : tool_choice;
      const terms = {
        tools: mayCall ? [...clientTools, ...servedFunctions.definitions] : [...clientTools],
        tool_choice: mayCall ? choice : withoutFunctions(choice, new Set(functions.keys())),
      };
      const events = (round === 1 && first) || prepare({ ...call, ...terms, input }).stream(signal);
      for await (const event of events) {
        if (event.type === 'finish') finish = event;
        else if (event.type === 'keep_alive') yield event;
        else {
          if (event.type === 'response.output_item.done') roundOutput.push(event.item);
          const hidden = event.type === 'response.output_item.added' && servedBy(functions, event.item) !== undefined;
          if (!hidden && !misformed.holds(event) && move(event)) yield* citations.pass(event);
          else yield { type: 'keep_alive' };
        }
      }
      usage = sumUsage(usage, finish?.usage ?? null);
      const calls = roundOutput.filter(isCall);
      const ours = calls.filter((item) => item.type === 'function_call').filter(({ name }) => functions.has(name));
      const misfits = calls.filter((item) => misformed.includes(item));
      const isServed = ours.length + misfits.length === calls.length;
      const givesBack = finish?.reason === 'stop' && mayGiveBack && isServed && round < maxRounds;
      if (!givesBack) for (const event of misformed.release()) if (move(event)) yield event;
      if (!finish) return;
      const toRun = givesBack ? [...ours, ...misfits] : ours;
      if (finish.reason !== 'stop' || finish.stopped !== undefined || toRun.length === 0)
        return yield { ...finish, usage };

      let last = toRun.length < calls.length;
      const outputs: Item[] = [];
      hasRun ||= ours.length > 0;
      for (const { call_id } of givesBack ? misfits : []) outputs.push(outputOf(call_id, MISFORMED));
      for (const functionCall of ours) {
        let result = NOT_RUN;
        if (callCount < maxCalls) {
          callCount++;
          yield { type: 'calling' };
          result = yield* indexes.move(runOf(functions, functionCall)(functionCall, signal));
        }
        outputs.push(outputOf(functionCall.call_id, result.output));
        clientTools.push(...(result.tools ?? []));
        tool_choice = allowAlso(tool_choice, result.tools ?? []);
        citations.queue(result.citations ?? []);
        last ||= result.endTurn === true;
      }
      const held = misformed.release();
      if (last) {
        for (const event of held) if (move(event)) yield event;
        return yield { ...finish, usage };
      }
      mayGiveBack &&= held.length === 0;
      if (round >= maxRounds) return yield { ...finish, reason: 'max_messages', usage };
      const newItems = [...roundOutput.filter((item) => !isServerCall(item)), ...outputs];
      yield {
        type: 'round',
        newItems,
        round: round + 1,
        usage,
        calls: callCount,
        citations: citations.pending,
      };
      input = truncate([...input, ...newItems], room);
    }
  } finally {
    for (const tool of openTools) await tool.close?.();
  }
}

function outputOf(call_id: string, output: ToolResult['output']): FunctionOutput {
  return { type: 'function_call_output', id: newItemId('function_call_output'), call_id, output, status: 'completed' };
}

/** What the rounds run with; `resumed` if earlier ones ran in a process that died. */
interface Rounds {
  call: ModelCall;
  /** The stream of the first call, if it was prepared before. */
  first?: AsyncIterable<BackendEvent> | undefined;
  uses: readonly ToolUse[];
  response: Pick<Response, 'max_tool_calls' | 'output'>;
  room?: number | undefined;
  resumed?: RoundsSoFar | undefined;
}

const BEGINNING: RoundsSoFar = { round: 1, usage: null, calls: 0, citations: [] };

/** The output of a call beyond `max_tool_calls`. */
const NOT_RUN: ToolResult = { output: 'Not run: no more tool calls are allowed in this turn.' };

type Functions = ReadonlyMap<string, ServerFunction>;

function servedBy(functions: Functions, item: OutputItem): ServerFunction | undefined {
  return item.type === 'function_call' ? functions.get(item.name) : undefined;
}

function runOf(functions: Functions, call: FunctionCall): ServerFunction['run'] {
  const serverFunction = functions.get(call.name);
  if (!serverFunction) throw new Error(`no function ${call.name}`);
  return serverFunction.run.bind(serverFunction);
}

/** Renumbers `output_index` of several sources, each from 0, into one sequence. */
class OutputIndexes {
  #next: number;

  /** Counts from `next` on. */
  constructor(next: number) {
    this.#next = next;
  }

  /** For one source: sets an event's `output_index`; false if its item's `added` was not passed on. */
  of(): (event: ItemEvent) => boolean {
    const indexes = new Map<number, number>();
    return (event) => {
      if (!('output_index' in event)) return true;
      if (event.type === 'response.output_item.added') indexes.set(event.output_index, this.#next++);
      const index = indexes.get(event.output_index);
      if (index === undefined) return false;
      event.output_index = index;
      return true;
    };
  }

  /** The renumbered events of a source, and its return value. */
  async *move<R>(source: AsyncGenerator<ItemEvent, R>): AsyncGenerator<ItemEvent, R> {
    const move = this.of();
    let next = await source.next();
    try {
      for (; !next.done; next = await source.next()) if (move(next.value)) yield next.value;
      return next.value;
    } finally {
      if (!next.done) await source.return(undefined as never); // the reader has left; the value is seen by nobody
    }
  }
}
