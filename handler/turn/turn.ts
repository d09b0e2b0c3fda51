import type { BackendEvent, Finish, Prepare } from '../backend/backend.ts';
import { ApiError, toApiError, whyAborted } from '../errors.ts';
import type { ErrorEvent, ItemEvent, LifecycleEvent, ResponseEvent } from '../events/events.ts';
import { fold } from '../events/fold.ts';
import type { Item, OutputItem } from '../items/item.ts';
import { reasoningText } from '../items/reasoning.ts';
import { describe, log } from '../log.ts';
import type { Response, Usage } from '../protocol/response.ts';
import type { Seal } from '../seal.ts';
import { compact } from './compact.ts';
import { afterCompaction } from './compaction.ts';
import { errorEvent } from './error-event.ts';
import { prepareFirst, type TurnCalls } from './first-call.ts';
import type { ResumedTurn } from './history.ts';
import { countOutput } from './output.ts';
import type { TurnRecord } from './record.ts';
import { type Calling, type RoundEnd, rounds } from './rounds.ts';

/** One turn to run: the response as it begins, and the call that makes it. */
export interface Turn extends TurnCalls {
  response: Response;
  /** What the client said in this turn; the call's input has what was before it as well. */
  input: readonly Item[];
  /** What its model reads, with summaries as they are kept. */
  modelItems: readonly Item[];
  /** Tokens that what its model reads may take, where the oldest items are to be left out. */
  room?: number;
  /** Whether the client wants the model's reasoning sealed as well, to keep it itself. */
  sealsReasoning: boolean;
  /** Where it goes on. */
  resumed?: ResumedTurn;
}

/** What a turn runs with. */
export interface TurnMeans {
  /** Prepares a call of the turn's model. */
  prepare: Prepare;
  /** Model calls of one turn at most. */
  rounds: number;
  record: TurnRecord;
  /** Seals what clients keep themselves: compactions, and the model's reasoning where the turn says so. */
  seal: Seal;
  /** Told when the turn begins and when it ceases to wait for the model or a tool. */
  waiting(forModel: boolean): void;
}

/**
 * Runs a turn. Throws at once what the model's server cannot carry, when nothing has been promised yet; the events
 * never throw, and end with exactly one terminal event: completed, incomplete, or failed (after an
 * `error` event, unless it was cancelled), returning what made it fail. When the signal aborts with an ApiError the turn fails with it; with
 * anything else the client has left, and the response ends as `cancelled`. What is recorded is written before the
 * terminal event; where that fails, the turn does.
 */
export function runTurn(
  turn: Turn,
  means: TurnMeans,
  signal: AbortSignal,
): AsyncGenerator<ResponseEvent, ApiError | undefined> {
  const first = prepareFirst(means.prepare, turn)?.prepared.stream(signal);
  return events(turn, sourceOf(turn, first, means, signal), means, signal);
}

/** What makes the events of a turn, which begins with its first call where that is known. */
function sourceOf(
  turn: Turn,
  first: AsyncIterable<BackendEvent> | undefined,
  means: TurnMeans,
  signal: AbortSignal,
): AsyncIterable<BackendEvent | Calling | RoundEnd> {
  if (first && turn.compaction) return compacted(turn, turn.compaction.only, first, means, signal);
  if (first && turn.uses.length === 0) return first;
  return rounds(means.prepare, { ...turn, first }, means.rounds, signal);
}

/** What is made where all that was said is summed up first: the item that holds it, and what the model says after it. */
async function* compacted(
  turn: Turn,
  only: boolean,
  summing: AsyncIterable<BackendEvent>,
  { prepare, seal, rounds: maxRounds }: TurnMeans,
  signal: AbortSignal,
): AsyncGenerator<BackendEvent | Calling | RoundEnd, void> {
  const { call, response } = turn;
  const { item, replacement, usage } = yield* compact(summing, call.input, seal);
  if (only) return yield { type: 'finish', reason: 'stop', usage };
  const input = afterCompaction(replacement, call.input);
  const withItem = { ...response, output: [item] };
  const resumed = { round: 1, usage, calls: 0, citations: [] };
  yield* rounds(prepare, { ...turn, call: { ...call, input }, response: withItem, resumed }, maxRounds, signal);
}

async function* events(
  turn: Turn,
  source: AsyncIterable<BackendEvent | Calling | RoundEnd>,
  means: TurnMeans,
  signal: AbortSignal,
): AsyncGenerator<ResponseEvent, ApiError | undefined> {
  let response = turn.response;
  const count = countOutput(response.output);
  let number = turn.resumed?.number ?? 0;
  const lifecycle = (type: LifecycleEvent['type']): LifecycleEvent => ({ type, sequence_number: number++, response });

  if (!turn.resumed) yield lifecycle('response.created');
  if (!turn.resumed?.inProgress) yield lifecycle('response.in_progress');

  let finish: Finish | undefined;
  let failure: ApiError | undefined;
  try {
    means.waiting(true);
    for await (const event of source) {
      if (signal.aborted) break;
      means.waiting(false);
      if (event.type === 'finish') finish = event;
      else if (event.type === 'calling') await means.record.calling();
      else if (event.type === 'round') {
        await means.record.round(response.output, event.newItems, { ...event, number });
      } else if (event.type !== 'keep_alive') {
        count(event);
        if (turn.sealsReasoning && event.type === 'response.output_item.done') {
          event.item = await sealed(event.item, means.seal);
        }
        event.sequence_number = number++;
        response = fold(response, event);
        yield event;
      }
      means.waiting(true);
    }
    if (!finish) failure = new ApiError('server', 'The model backend ended its stream before the model was done.');
  } catch (error) {
    failure = toApiError(error);
  }
  const clientLeft = signal.aborted && !(signal.reason instanceof ApiError);
  if (signal.aborted && !finish) failure = whyAborted(signal);

  if (finish && !failure) {
    const whole = finishedResponse(response, finish);
    try {
      response = await means.record.end(whole);
      if (response.status !== whole.status) {
        failure = new ApiError('server', response.error?.message ?? `The response is ${response.status}.`);
        yield errorEvent(failure, number++);
      }
      yield lifecycle(terminalType(response.status));
      return failure;
    } catch (error) {
      failure = toApiError(error);
    }
  }
  failure ??= toApiError(undefined);
  for (const event of closingEvents(response, number, clientLeft ? undefined : failure)) {
    number++;
    response = fold(response, event);
    yield event;
  }
  response = clientLeft ? { ...response, status: 'cancelled' } : failedResponse(response, failure);
  try {
    response = await means.record.end(response);
  } catch (error) {
    log.error('a turn could not be stored', { response: response.id, error: describe(error) });
  }
  yield lifecycle(terminalType(response.status));
  return failure;
}

/** The event that tells how a response of this status has ended. There is none for one that was cancelled: it has not come to anything. */
export function terminalType(status: Response['status']): LifecycleEvent['type'] {
  return status === 'completed' || status === 'incomplete' ? `response.${status}` : 'response.failed';
}

function isOpen(item: OutputItem): boolean {
  return item.type === 'compaction' ? item.encrypted_content === '' : item.status === 'in_progress';
}

/**
 * The events before the terminal one of a response that was cut short: open items end as incomplete, and the reason is told
 * as an `error`, unless it was cancelled. `number` is the first one's.
 */
export function* closingEvents(
  response: Response,
  number: number,
  failure?: ApiError,
): Generator<ItemEvent | ErrorEvent> {
  let next = number;
  for (const [output_index, item] of response.output.entries()) {
    if (!isOpen(item)) continue;
    const closedItem = ('status' in item ? { ...item, status: 'incomplete' } : item) as OutputItem; // what cannot be cut is never open
    yield { type: 'response.output_item.done', sequence_number: next++, output_index, item: closedItem };
  }
  if (failure) yield errorEvent(failure, next);
}

/** Reasoning with what a client may send back in its place; what a model's server has sealed stays as it is. */
async function sealed(item: OutputItem, seal: Seal): Promise<OutputItem> {
  if (item.type !== 'reasoning' || item.encrypted_content) return item;
  const text = reasoningText(item);
  if (text === '') return item;
  return { ...item, encrypted_content: await seal.seal('reasoning', text) };
}

function finishedResponse(
  response: Response,
  { reason, usage }: { reason: Finish['reason']; usage: Usage | null },
): Response {
  if (reason !== 'stop') return { ...response, status: 'incomplete', incomplete_details: { reason }, usage };
  return { ...response, status: 'completed', completed_at: Math.floor(Date.now() / 1000), usage };
}

/** A response that has failed. */
export function failedResponse(response: Response, { kind, reason, message }: ApiError): Response {
  const code =
    kind === 'rate_limit' ? 'rate_limit_exceeded' : kind === 'context_length' ? 'invalid_prompt' : 'server_error';
  return { ...response, status: 'failed', error: { code: reason ?? code, message } };
}
