import type { BackendEvent, Finish } from '../backend/backend.ts';
import { ApiError, type ErrorKind, toApiError, whyAborted } from '../errors.ts';
import type { LifecycleEvent, OutputItemEvent, ResponseEvent } from '../events/events.ts';
import { fold, foldOutput } from '../events/fold.ts';
import type { Item, OutputItem } from '../items/item.ts';
import { type Reasoning, reasoningText } from '../items/reasoning.ts';
import { describe, log } from '../log.ts';
import { type ResponseErrorCode, responseErrorCodes } from '../protocol/error-codes.ts';
import type { Response } from '../protocol/response.ts';
import type { Seal } from '../seal.ts';
import { carrying } from './carrying.ts';
import { closingEvents, failedItems } from './closing.ts';
import { compact } from './compact.ts';
import { compactAfter } from './compact-after.ts';
import { errorEvent } from './error-event.ts';
import { prepareFirst, type TurnCalls } from './first-call.ts';
import type { ResumedTurn } from './history.ts';
import { canMisform } from './misformed-calls.ts';
import { Opening } from './opening.ts';
import { countOutput } from './output.ts';
import type { TurnRecord } from './record.ts';
import { type RoundOptions, rounds, type ToolNews } from './rounds.ts';
import type { TurnNews } from './turn-summary.ts';

/** One turn to run: the response as it begins, and the call that makes it. */
export interface Turn extends TurnCalls {
  response: Response;
  /** The turn's new input items. The call's input has the history as well. */
  input: readonly Item[];
  /** The model's input, with compactions still sealed. */
  modelItems: readonly Item[];
  /** The tokens items may take, under truncation `auto` where the context is known. */
  room?: number;
  /** Set under truncation `auto`: a call that does not fit goes without its oldest items. */
  shortens?: boolean;
  /** Whether the client wants encrypted reasoning, to keep it itself. */
  sealsReasoning: boolean;
  /** The types of hosted tools that were left out, if any were. */
  leftOut?: readonly string[];
  /** The names of functions that a search has loaded, or may. */
  deferred: ReadonlySet<string>;
  /** Set if the turn resumes. */
  resumed?: ResumedTurn;
}

/** What a turn runs with. */
export interface TurnOptions extends RoundOptions {
  /** Whether the response names the model as its server does, once that has answered. Default: as the request does. */
  showsServed?: boolean | undefined;
  record: TurnRecord;
  /** Seals what clients keep themselves: compactions, and the model's reasoning where the turn says so. */
  seal: Seal;
  /** Whether a client that keeps its history carries what calls were to the model, where it keeps encrypted reasoning. Default: it does. */
  isCarried?: boolean;
  /** Called before each model call but the first; rejects with an ApiError where there must be none. Default: there may. */
  goesOn?(): Promise<void> | undefined;
  /** Adds to the error of a model call what is known elsewhere of its cure. Default: nothing. */
  explain?(error: ApiError): Promise<ApiError>;
  /** Called with all that the turn's model calls yield, before anything is made of it, and with each event that has the response. */
  observe(news: TurnNews): void;
}

/**
 * Runs a turn. Throws at once what the model server cannot carry, before anything is promised. The events never
 * throw, and end with exactly one terminal event; a failed turn has an `error` event before it, unless it was
 * cancelled, and the generator returns the failure. If the signal aborts with an ApiError, the turn fails with it;
 * for any other reason the client left, and the response ends as `cancelled`. The record is written before the
 * terminal event; if that fails, the turn fails.
 */
export function runTurn(
  turn: Turn,
  options: TurnOptions,
  signal: AbortSignal,
): AsyncGenerator<ResponseEvent, ApiError | undefined> {
  return openTurn(turn, options, signal).events;
}

/** A turn whose model may be called before its events are read. */
export interface OpenTurn {
  events: AsyncGenerator<ResponseEvent, ApiError | undefined>;
  /**
   * Calls the model, and resolves once it answers or `until` has settled; with its refusal, if that came before. Then nothing
   * has been promised, and the events would tell of a turn that failed.
   */
  refusal(until: Promise<unknown>): Promise<ApiError | undefined>;
}

/** The same for a turn that is refused as long as nothing of it was promised. */
export function openTurn(turn: Turn, options: TurnOptions, signal: AbortSignal): OpenTurn {
  const first = prepareFirst(options.prepare, turn)?.prepared.stream(signal);
  const source = new Opening(compacting(turn, sourceOf(turn, first, options, signal), options, signal));
  return {
    events: events(turn, source, options, signal),
    async refusal(until) {
      options.waiting(true);
      const failure = await source.failure(until);
      // A turn that was ended meanwhile has ended, and is told and stored as that.
      return failure === undefined || signal.aborted ? undefined : toApiError(failure);
    },
  };
}

/** The events of a turn's model calls; `first` is the stream of the first, if it is prepared. */
function sourceOf(
  turn: Turn,
  first: AsyncIterable<BackendEvent> | undefined,
  options: TurnOptions,
  signal: AbortSignal,
): AsyncIterable<BackendEvent | ToolNews> {
  if (first && turn.compaction?.after === false) return compactOnly(turn, first, options);
  if (first && turn.uses.length === 0 && !canMisform(turn.call.tools)) return first;
  const all = rounds(options, { ...turn, first }, signal);
  const { isCarried = true, seal } = options;
  return isCarried && turn.sealsReasoning && !turn.response.store ? carrying(all, seal) : all;
}

/** The events of a turn's model calls, with a compaction at their end if one is planned. */
function compacting(
  turn: Turn,
  source: AsyncIterable<BackendEvent | ToolNews>,
  options: TurnOptions,
  signal: AbortSignal,
): AsyncIterable<BackendEvent | ToolNews> {
  return turn.compaction?.after ? compactAfter(turn, turn.compaction.context, source, options, signal) : source;
}

/** A turn that is a compaction: its item alone. */
async function* compactOnly(
  { call }: Turn,
  summing: AsyncIterable<BackendEvent>,
  { seal }: TurnOptions,
): AsyncGenerator<BackendEvent, void> {
  const { usage } = yield* compact(summing, call.input, seal);
  yield { type: 'finish', reason: 'stop', usage };
}

async function* events(
  turn: Turn,
  source: AsyncIterable<BackendEvent | ToolNews>,
  options: TurnOptions,
  signal: AbortSignal,
): AsyncGenerator<ResponseEvent, ApiError | undefined> {
  let response = turn.response;
  let { output } = response;
  const count = countOutput(output);
  let number = turn.resumed?.number ?? 0;
  const adjustsItems = turn.sealsReasoning || turn.deferred.size > 0;
  const lifecycle = (type: LifecycleEvent['type']): LifecycleEvent => {
    const event = { type, sequence_number: number++, response };
    options.observe(event);
    return event;
  };

  if (!turn.resumed) yield lifecycle('response.created');
  if (!turn.resumed?.inProgress) yield lifecycle('response.in_progress');
  for (const event of turn.resumed?.running ? failedItems(output, number) : []) {
    number++;
    output = foldOutput(output, event);
    yield event;
  }

  let finish: Finish | undefined;
  let failure: ApiError | undefined;
  try {
    options.waiting(true);
    for await (const event of source) {
      if (signal.aborted) break;
      options.waiting(false);
      options.observe(event);
      if (event.type === 'finish') finish = event;
      else if (event.type === 'calling') await options.record.calling(output, event.newItems, { ...event, number });
      else if (event.type === 'called') await options.record.called(event.output, event.citations, event.endsTurn);
      else if (event.type === 'round') {
        await options.record.round(output, event.newItems, { ...event, number });
        await options.goesOn?.();
      } else if (event.type !== 'keep_alive') {
        count(event);
        if (adjustsItems && 'item' in event) event.item = await asClientKnowsIt(event, turn, options.seal);
        event.sequence_number = number++;
        output = foldOutput(output, event);
        yield event;
      }
      options.waiting(true);
    }
    if (!finish) failure = new ApiError('server', 'The model backend ended its stream before the model was done.');
  } catch (error) {
    failure = toApiError(error);
    failure = (await options.explain?.(failure)) ?? failure;
  }
  response = { ...response, output };
  const clientLeft = signal.aborted && !(signal.reason instanceof ApiError);
  if (signal.aborted && !finish) failure = whyAborted(signal);

  if (finish && !failure) {
    const { showsServed = false } = options;
    const whole = finishedResponse(
      showsServed && finish.served ? { ...response, model: finish.served } : response,
      finish,
    );
    try {
      response = await options.record.end(whole);
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
    response = await options.record.end(response);
  } catch (error) {
    log.error('a turn could not be stored', { response: response.id, error: describe(error) });
  }
  yield lifecycle(terminalType(response.status));
  return failure;
}

/** The terminal event type of a status. The API has none for `cancelled`, which ends as failed. */
export function terminalType(status: Response['status']): LifecycleEvent['type'] {
  return status === 'completed' || status === 'incomplete' ? `response.${status}` : 'response.failed';
}

/** An item as OpenAI gives it out: a deferred function's call under a namespace of its name, reasoning sealed from its start. */
function asClientKnowsIt(
  { type, item }: OutputItemEvent,
  { sealsReasoning, deferred }: Turn,
  seal: Seal,
): OutputItem | Promise<OutputItem> {
  if (item.type === 'function_call' && !item.namespace && deferred.has(item.name)) {
    return { ...item, namespace: item.name };
  }
  const isSealed = item.type !== 'reasoning' || item.encrypted_content;
  return isSealed || !sealsReasoning ? item : sealed(item, type === 'response.output_item.added', seal);
}

/** Reasoning with its text sealed for the client to send back; one without text only as long as it may get some. */
async function sealed(item: Reasoning, isOpen: boolean, seal: Seal): Promise<OutputItem> {
  const text = reasoningText(item);
  return text === '' && !isOpen ? item : { ...item, encrypted_content: await seal.seal('reasoning', text) };
}

function finishedResponse(
  response: Response,
  { reason, usage, tier = response.service_tier }: Omit<Finish, 'type'>,
): Response {
  const served = { ...response, service_tier: tier, usage };
  if (reason !== 'stop') return { ...served, status: 'incomplete', incomplete_details: { reason } };
  return { ...served, status: 'completed', completed_at: Math.floor(Date.now() / 1000) };
}

/** The code of a failed response for each kind of error that is not `server_error`. */
const FAILED_CODES: Partial<Record<ErrorKind, string>> = {
  rate_limit: 'rate_limit_exceeded',
  quota: 'insufficient_quota',
  context_length: 'context_length_exceeded',
  model_refused: 'invalid_prompt',
  too_large: 'invalid_prompt',
};

/** The response with status `failed`. */
export function failedResponse(response: Response, { kind, reason, told: message }: ApiError): Response {
  const known = responseErrorCodes.find((code) => code === reason);
  // OpenAI sends two codes that its types do not have.
  const code = known ?? ((FAILED_CODES[kind] ?? 'server_error') as ResponseErrorCode);
  return { ...response, status: 'failed', error: { code, message } };
}
