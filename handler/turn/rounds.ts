import type { BackendEvent, Finish, ModelCall, Prepare } from '../backend/backend.ts';
import type { FunctionCall } from '../items/function.ts';
import type { Item, OutputItem } from '../items/item.ts';
import { isCall, isServerCall } from '../items/roles.ts';
import type { Limits } from '../limits.ts';
import type { Response } from '../protocol/response.ts';
import type { ClientTool, HostedChoice } from '../protocol/tools.ts';
import { resultOf } from '../tools/result-of.ts';
import type { ServerFunctions } from '../tools/tool.ts';
import { afterToolRan, allowAlso, withoutFunctions } from './choice.ts';
import { Citations } from './citations.ts';
import { interruptedRound, UNASKED, UNKNOWN } from './interrupted.ts';
import { MarkedTexts } from './marked-texts.ts';
import { MISFORMED, MisformedCalls } from './misformed-calls.ts';
import { closeTools, openTools, type UsedTools } from './opened-tools.ts';
import { OutputIndexes } from './output-indexes.ts';
import type { RoundsSoFar, RunningCalls } from './record.ts';
import { type Called, type Calling, outputOf, ServedCalls } from './served-calls.ts';
import { ServedFunctions } from './served-functions.ts';
import { truncate } from './truncate.ts';
import { sumUsage } from './usage.ts';

/** The end of a round: the model is called again, and the output so far stands. */
export interface RoundEnd extends RoundsSoFar {
  type: 'round';
  /** Items the round adds to the model's input. */
  newItems: Item[];
}

/** What the tool loop tells beside events: none of it is for clients. */
export type ToolNews = Calling | Called | RoundEnd;

/** What rounds run with. */
export interface RoundOptions {
  /** Prepares a call of the turn's model. */
  prepare: Prepare;
  limits: Pick<Limits, 'rounds' | 'toolCalls'>;
  /** Called when the turn starts and stops waiting for the model: a tool has a time of its own. */
  waiting(forModel: boolean): void;
}

/**
 * The tool loop: opens the tools, runs what the client has approved, then calls the model, runs its calls of server functions, and calls it
 * again with their outputs, at most `limits.rounds` times and within `max_tool_calls`. Yields the events for the client, with
 * `output_index` over all rounds (a server function's call is shown only as its tool shows it), KeepAlives, a Calling before functions run,
 * a RoundEnd between rounds, then one Finish with the total usage. A round is the last if the client has to answer too,
 * or a tool ends the turn.
 */
export async function* rounds(
  { prepare, limits, waiting }: RoundOptions,
  { call, forced, first, uses, toolContext, response, room, resumed = BEGINNING }: Rounds,
  signal: AbortSignal,
): AsyncGenerator<BackendEvent | ToolNews, void> {
  const indexes = new OutputIndexes(response.output.length);
  const open: ServerFunctions[] = [];
  try {
    const used = { uses, toolContext };
    const waits = () => waiting(false);
    const isResumed = resumed.round > 1 || resumed.running !== undefined;
    // Clients saw these events in the first round.
    const opened = isResumed
      ? await resultOf(openTools(used, open, new OutputIndexes(0), waits, signal))
      : yield* openTools(used, open, indexes, waits, signal);
    waiting(true);
    const servedFunctions = new ServedFunctions();
    for (const [index, { functions }] of opened.entries()) servedFunctions.addOf(uses[index], functions);
    const functions = new Map(opened.flatMap((tool) => tool.functions.map((fn) => [fn.definition.name, fn] as const)));
    const served = new ServedCalls({
      functions,
      context: toolContext,
      indexes,
      atOnce: limits.toolCalls,
      waits,
      max: response.max_tool_calls,
      count: resumed.calls,
      signal,
    });
    const approved = opened.flatMap(({ calls }) => calls ?? []);
    const maxRounds = limits.rounds + (approved.length > 0 ? 1 : 0);
    const clientTools = [...call.tools];
    const callable = { functions, opened, clientTools };
    let { tool_choice } = servedFunctions.addTo(call, forced);
    const marks = new MarkedTexts(call.text.format.type === 'text' ? opened.flatMap(({ marks }) => marks ?? []) : []);
    const citations = new Citations();
    citations.queue(resumed.citations);
    const misformed = new MisformedCalls(call.tools);
    let mayGiveBack = true;
    let hasRun = isResumed;
    let input = call.input;
    let { usage, round } = resumed;
    if (resumed.running) {
      const isApproved = (call: OutputItem): boolean =>
        approved.some(({ call_id }) => 'call_id' in call && call.call_id === call_id);
      const { newItems, unknown, ends } = interruptedRound(resumed.running, (call) => {
        const isOurs = isServed(callable, call);
        const asks = isOurs && functions.get(call.name)?.asks?.(call) === true;
        if (misformed.includes(call)) return MISFORMED;
        if (isApproved(call)) return UNKNOWN;
        if (!isOurs) return undefined;
        return asks ? UNASKED : UNKNOWN;
      });
      if (ends) return yield { type: 'finish', reason: 'stop', usage };
      if (round >= maxRounds) return yield { type: 'finish', reason: 'max_messages', usage };
      round++;
      yield { type: 'round', newItems: unknown, round, usage, calls: served.count, citations: citations.pending };
      input = truncate([...input, ...newItems], room);
    }
    for (; ; round++) {
      const move = indexes.of();
      const roundOutput: OutputItem[] = [];
      let finish: Finish | undefined;
      const isApproved = round === 1 && approved.length > 0;
      const choice = !hasRun ? tool_choice : forced ? 'auto' : afterToolRan(tool_choice, functions);
      if (isApproved) {
        roundOutput.push(...approved);
        finish = { type: 'finish', reason: 'stop', usage: null };
      } else {
        const terms = {
          tools: served.mayRun ? [...clientTools, ...servedFunctions.definitions] : [...clientTools],
          tool_choice: served.mayRun ? choice : withoutFunctions(choice, new Set(functions.keys())),
        };
        const events = (round === 1 && first) || prepare({ ...call, ...terms, input }).stream(signal);
        try {
          for await (const event of events) {
            if (event.type === 'finish') finish = event;
            else if (event.type === 'keep_alive') yield event;
            else {
              if (event.type === 'response.output_item.done') roundOutput.push(event.item);
              const hidden = event.type === 'response.output_item.added' && isServed(callable, event.item);
              const shown = !hidden && !misformed.holds(event) && move(event) ? marks.pass(event) : [];
              for (const marked of shown) yield* citations.pass(marked);
              if (shown.length === 0) yield { type: 'keep_alive' };
            }
          }
        } catch (error) {
          yield* marks.cut();
          throw error;
        }
        if (!finish) yield* marks.cut();
      }
      usage = sumUsage(usage, finish?.usage ?? null);
      const calls = roundOutput.filter(isCall);
      const ours = isApproved ? approved : calls.filter((item) => isServed(callable, item));
      const misfits = calls.filter((item) => misformed.includes(item));
      const isOurs = ours.length + misfits.length === calls.length;
      const givesBack = finish?.reason === 'stop' && mayGiveBack && isOurs && round < maxRounds;
      if (!givesBack) for (const event of misformed.release()) if (move(event)) yield event;
      if (!finish) return;
      const toRun = givesBack ? [...ours, ...misfits] : ours;
      if (finish.reason !== 'stop' || finish.stopped !== undefined || toRun.length === 0)
        return yield { ...finish, usage };

      hasRun ||= ours.length > 0;
      const kept = roundOutput.filter((item) => !isServerCall(item));
      const soFar = { round, usage, citations: [...citations.pending] };
      const ran = yield* served.run(ours, isApproved ? 'auto' : choice, (calls) => ({
        type: 'calling',
        newItems: kept,
        ...soFar,
        calls,
      }));
      const misfitted = givesBack ? misfits.map(({ call_id }) => outputOf(call_id, MISFORMED)) : [];
      const outputs = [...misfitted, ...ran.outputs];
      clientTools.push(...ran.tools);
      tool_choice = allowAlso(tool_choice, ran.tools);
      citations.queue(ran.citations);
      const held = misformed.release();
      if (ran.endsTurn || toRun.length < calls.length) {
        for (const event of held) if (move(event)) yield event;
        yield* ran.last;
        return yield { ...finish, usage };
      }
      mayGiveBack &&= held.length === 0;
      if (round >= maxRounds) return yield { ...finish, reason: 'max_messages', usage };
      const newItems = [...kept, ...outputs];
      yield {
        type: 'round',
        newItems,
        round: round + 1,
        usage,
        calls: served.count,
        citations: citations.pending,
      };
      input = truncate([...input, ...newItems], room);
    }
  } finally {
    await closeTools(open);
  }
}

/** What the rounds run with; `resumed` if earlier ones ran in a process that died. */
interface Rounds extends UsedTools {
  call: ModelCall;
  forced?: HostedChoice | undefined;
  /** The stream of the first call, if it was prepared before. */
  first?: AsyncIterable<BackendEvent> | undefined;
  response: Pick<Response, 'max_tool_calls' | 'output'>;
  room?: number | undefined;
  resumed?: (RoundsSoFar & { running?: RunningCalls | undefined }) | undefined;
}

const BEGINNING: RoundsSoFar & { running?: undefined } = { round: 1, usage: null, calls: 0, citations: [] };

/** What calls of a round are told apart by. */
interface Callable {
  functions: ReadonlyMap<string, unknown>;
  opened: readonly ServerFunctions[];
  clientTools: readonly ClientTool[];
}

/** Whether a call is of a function of the server: also of one that is not there, where only a tool of the server could have it. */
function isServed({ functions, opened, clientTools }: Callable, item: OutputItem): item is FunctionCall {
  if (item.type !== 'function_call') return false;
  if (functions.has(item.name)) return true;
  const isClients = clientTools.some((tool) => 'name' in tool && tool.name === item.name);
  return !isClients && opened.some(({ owns }) => owns?.(item.name));
}
