import type { Backend, Finish, ModelCall } from '../backend/backend.ts';
import { ApiError, toApiError } from '../errors.ts';
import { describe, log } from '../log.ts';
import type { ItemEvent, LifecycleEvent, ResponseEvent } from '../protocol/events.ts';
import type { Item, OutputItem } from '../protocol/items.ts';
import type { Response, Usage } from '../protocol/response.ts';
import type { Seal } from '../seal.ts';
import type { ToolUse } from '../tool/tool.ts';
import { fold } from './fold.ts';
import type { TurnRecord } from './record.ts';
import { type RoundEnd, rounds } from './rounds.ts';

/** One turn to run: the response as it begins, and the call that makes it. */
export interface Turn {
  response: Response;
  /** What the client said in this turn; the call's input has what was before it as well. */
  input: readonly Item[];
  call: ModelCall;
  /** The call with all that its model may come to be offered in its course. */
  most: ModelCall;
  uses: readonly ToolUse[];
}

/** What a turn runs with. */
export interface Means {
  backend: Backend;
  /** Model calls of one turn at most. */
  rounds: number;
  record: TurnRecord;
  /** Seals the model's reasoning, for clients that keep it themselves; null where nobody asked. */
  seal: Seal | null;
  /** Told when the turn begins and when it ceases to wait for the model or a tool. */
  waiting(forModel: boolean): void;
}

/**
 * Runs a turn. Throws at once what the backend cannot carry, when nothing has been promised yet; the events
 * never throw, and end with exactly one terminal event: completed, incomplete, or failed (after an
 * `error` event), returning what made it fail. When the signal aborts with an ApiError the turn fails with it; with
 * anything else the client has left, and the response ends as `cancelled`. What is recorded is written before the
 * terminal event; where that fails, the turn does.
 */
export function runTurn(
  turn: Turn,
  means: Means,
  signal: AbortSignal,
): AsyncGenerator<ResponseEvent, ApiError | undefined> {
  const direct = means.backend.generate(turn.call, signal);
  // What a search may load is refused now: once it is found something has been promised.
  if (turn.most !== turn.call) means.backend.generate(turn.most, signal);
  const source = turn.uses.length > 0 ? rounds(means.backend, turn, means.rounds, signal) : direct;
  return events(turn, source, means, signal);
}

async function* events(
  turn: Turn,
  source: AsyncIterable<ItemEvent | RoundEnd | Finish>,
  means: Means,
  signal: AbortSignal,
): AsyncGenerator<ResponseEvent, ApiError | undefined> {
  let response = turn.response;
  let number = 0;
  const lifecycle = (type: LifecycleEvent['type']): LifecycleEvent => ({ type, sequence_number: number++, response });

  yield lifecycle('response.created');
  yield lifecycle('response.in_progress');

  let finish: Finish | undefined;
  let failure: ApiError | undefined;
  try {
    means.waiting(true);
    for await (const event of source) {
      if (signal.aborted) break;
      means.waiting(false);
      if (event.type === 'finish') finish = event;
      else if (event.type === 'round') await means.record.round(response.output);
      else {
        if (means.seal && event.type === 'response.output_item.done') event.item = await sealed(event.item, means.seal);
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
  const left = signal.aborted && !(signal.reason instanceof ApiError);
  if (signal.aborted && !finish) {
    failure = left ? new ApiError('cancelled', 'The client has left.', { cause: signal.reason }) : signal.reason;
  }

  if (finish && !failure) {
    const whole = ended(response, finish);
    try {
      await means.record.end(whole);
      response = whole;
      yield lifecycle(finish.reason === 'stop' ? 'response.completed' : 'response.incomplete');
      return undefined;
    } catch (error) {
      failure = toApiError(error);
    }
  }
  failure ??= toApiError(undefined);
  for (const [output_index, item] of response.output.entries()) {
    if (item.status !== 'in_progress') continue;
    const cut = { ...item, status: 'incomplete' } as OutputItem; // the one type that cannot be cut is never seen open
    const event = { type: 'response.output_item.done', sequence_number: number++, output_index, item: cut } as const;
    response = fold(response, event);
    yield event;
  }
  const { type, message, param, streamCode: code } = failure;
  yield { type: 'error', sequence_number: number++, code, message, param, error: { type, code, message, param } };
  response = left ? { ...response, status: 'cancelled' } : failed(response, failure);
  try {
    await means.record.end(response);
  } catch (error) {
    log.error('a turn could not be stored', { response: response.id, error: describe(error) });
  }
  yield lifecycle('response.failed');
  return failure;
}

/** Reasoning with what a client may send back in its place; what a model's server has sealed stays as it is. */
async function sealed(item: OutputItem, seal: Seal): Promise<OutputItem> {
  if (item.type !== 'reasoning' || item.encrypted_content) return item;
  const text = (item.content.length > 0 ? item.content : item.summary).map((part) => part.text).join('\n');
  if (text === '') return item;
  return { ...item, encrypted_content: await seal.seal(text) };
}

function ended(response: Response, { reason, usage }: { reason: Finish['reason']; usage: Usage | null }): Response {
  if (reason !== 'stop') return { ...response, status: 'incomplete', incomplete_details: { reason }, usage };
  return { ...response, status: 'completed', completed_at: Math.floor(Date.now() / 1000), usage };
}

function failed(response: Response, { kind, reason, message }: ApiError): Response {
  const known =
    kind === 'rate_limit' ? 'rate_limit_exceeded' : kind === 'context_length' ? 'invalid_prompt' : 'server_error';
  return { ...response, status: 'failed', error: { code: reason ?? known, message } };
}
