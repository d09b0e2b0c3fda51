import type { BackendEvent, Finish, ModelCall } from '../backend/backend.ts';
import { ApiError, toApiError } from '../errors.ts';
import type { Compaction } from '../items/compaction.ts';
import type { OutputItem } from '../items/item.ts';
import { isCall } from '../items/roles.ts';
import { describe, log } from '../log.ts';
import type { Response, Usage } from '../protocol/response.ts';
import type { Seal } from '../seal.ts';
import { compact, type SummarySaid, summaryCall } from './compact.ts';
import { afterCompaction } from './compaction.ts';
import { estimateTokens } from './estimate.ts';
import type { TurnCalls } from './first-call.ts';
import { type RoundOptions, rounds, type ToolNews } from './rounds.ts';
import { searchesAsCalls } from './tool-search.ts';
import { uncountedOutput } from './turn-tokens.ts';
import { sumUsage } from './usage.ts';

/** A turn whose conversation is to be compacted. */
interface LongTurn extends TurnCalls {
  response: Response;
  room?: number;
}

/** What its model calls are made with. */
interface CallOptions extends RoundOptions {
  seal: Seal;
}

type Event = BackendEvent | ToolNews;

/**
 * The events of a turn, and then those of a compaction of all of it, with nothing between its `added` and `done`. None
 * after an answer that is incomplete or has calls that the client is to answer; a summary that fails leaves the answer
 * as it is. If the model's server refuses the input since it is too long, the compaction comes first.
 */
export async function* compactAfter(
  turn: LongTurn,
  context: number | undefined,
  source: AsyncIterable<Event>,
  options: CallOptions,
  signal: AbortSignal,
): AsyncGenerator<Event, void> {
  const { call, response } = turn;
  const items: OutputItem[] = [];
  let finish: Finish | undefined;
  let begun = response.output.length > 0;
  try {
    for await (const event of source) {
      begun ||= event.type !== 'keep_alive';
      if (event.type === 'finish') finish = event;
      else {
        if (event.type === 'response.output_item.done') items.push(event.item);
        yield event;
      }
    }
  } catch (error) {
    if (begun || !(error instanceof ApiError) || error.kind !== 'context_length') throw error;
    return yield* compactBefore(turn, context, options, signal);
  }
  if (!finish) return;
  const waits = items.some((item) => isCall(item) && item.call_id !== null);
  if (finish.reason !== 'stop' || waits) return yield finish;
  const input = [...call.input, ...searchesAsCalls(items)];
  const said = { usage: null, deltas: 0, characters: 0 };
  try {
    const summing = summarize({ ...call, input }, context, options, signal, said);
    let next = await summing.next();
    for (; !next.done; next = await summing.next()) yield { type: 'keep_alive' };
    const { item, usage } = next.value;
    yield* whole(item, response.output.length + items.length);
    yield { ...finish, usage: sumUsage(finish.usage, usage) };
  } catch (error) {
    if (signal.aborted) throw error;
    log.warn('a conversation was not compacted', { error: describe(toApiError(error)) });
    yield { ...finish, ...withFailed(finish.usage, said, summaryCall({ ...call, input }, context)) };
  }
}

/** A turn that begins with a compaction: the item, then the rounds after it. */
async function* compactBefore(
  turn: LongTurn,
  context: number | undefined,
  options: CallOptions,
  signal: AbortSignal,
): AsyncGenerator<Event, void> {
  const { call, response } = turn;
  const { item, replacement, usage } = yield* summarize(call, context, options, signal);
  const input = afterCompaction(replacement, call.input);
  const withItem = { ...response, output: [item] };
  const resumed = { round: 1, usage, calls: 0, citations: [] };
  const after = { ...turn, call: { ...call, input }, response: withItem, resumed };
  yield* rounds(options, after, signal);
}

function summarize(
  call: ModelCall,
  context: number | undefined,
  { prepare, seal }: CallOptions,
  signal: AbortSignal,
  said?: SummarySaid,
) {
  return compact(prepare(summaryCall(call, context)).stream(signal), call.input, seal, said);
}

/** The usage of a turn with that of a summary that failed: as its server counted it, or an estimate if it did not and the model has said something. */
function withFailed(usage: Usage | null, said: SummarySaid, call: ModelCall): Pick<Finish, 'usage' | 'lost'> {
  if (said.usage || said.deltas === 0) return { usage: sumUsage(usage, said.usage) };
  return { usage, lost: { input: estimateTokens(call), output: uncountedOutput(said) } };
}

/** The two events of a compaction that is whole. */
function* whole(item: Compaction, output_index: number): Generator<BackendEvent> {
  const place = { sequence_number: 0, output_index };
  yield { type: 'response.output_item.added', ...place, item: { ...item, encrypted_content: '' } };
  yield { type: 'response.output_item.done', ...place, item };
}
