import { type ApiError, endless } from '../../errors.ts';
import type { ItemEvent } from '../../events/events.ts';
import type { CallMarks } from '../../events/item-writer.ts';
import { Phase } from '../../items/message.ts';
import { isCall } from '../../items/roles.ts';
import { fixedLimits } from '../../limits.ts';
import { log } from '../../log.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Finish, ModelCall, ServerProfile } from '../backend.ts';
import type { ModelFunction } from '../functions/tools.ts';
import { failureInStream } from '../server/failure.ts';
import { count, nameIn, object, objects, text, toAnnotations, toLogprobs, usageReader } from '../server/json-fields.ts';
import type { Reply } from '../server/reply-stream.ts';
import { toTier } from '../server/tier.ts';
import { type Arrival, arrivalOf, isKnown, restOf, restOfArguments, textOf, toWholeItem } from './items.ts';
import { Speech } from './speech.ts';

const usageOf = usageReader('input', 'output');

/** Open items compared with a final one whose id is unknown. Few, since servers end items in order. */
const CANDIDATES = 16;

/** The kinds of text of messages and reasoning. */
type Voice = 'text' | 'refusal' | 'reasoning' | 'summary';

/** Progress of one streamed item. */
interface ItemProgress {
  kind: Arrival;
  /** Its index, in the order of their start. */
  number: number;
  /** The phase of a message. */
  phase?: Phase | undefined;
  /** The text streamed so far. */
  texts: Record<'summary' | 'content' | 'arguments', string>;
  /** Whether the rest is ignored: its `done` came, or it is a call too many. */
  done: boolean;
  /** Whether the complete arguments came; they are compared with the deltas once. */
  hasArguments: boolean;
}

type Terms = Pick<ModelCall, 'parallel_tool_calls' | 'max_output_tokens' | 'top_logprobs' | 'reasoning'>;

/**
 * Reads the events of another server's response. Only deltas, added and done items, and the terminal event are read:
 * the other events repeat them, and servers differ in those. Members are read one by one, as in ChatReply.
 */
export class ResponsesReply implements Reply {
  readonly #call: Terms;
  readonly #isOpenAI: boolean;
  readonly #speech: Speech;
  readonly #items = new Map<string, ItemProgress>();
  /** Open items of each kind, in order. */
  readonly #openItems: Record<Arrival, ItemProgress[]> = { message: [], reasoning: [], function_call: [], whole: [] };
  #latest: ItemProgress | undefined;
  #calls = 0;
  #sequence = 0;
  #response: JsonObject | undefined;

  /** `tools` by their names on the server, where they are functions to it. */
  constructor(
    call: Terms,
    { isOpenAI }: Pick<ServerProfile, 'isOpenAI'>,
    tools: ReadonlyMap<string, ModelFunction> = new Map(),
  ) {
    this.#call = call;
    this.#isOpenAI = isOpenAI;
    this.#speech = new Speech(call.reasoning.summary !== null, tools);
  }

  /** The events since the last take. */
  take(): ItemEvent[] {
    return this.#speech.take();
  }

  /** Whether the terminal event came. */
  get finished(): boolean {
    return this.#response !== undefined;
  }

  /** The same: the terminal event is the last, and `[DONE]` before it is a broken stream. */
  get over(): boolean {
    return this.finished;
  }

  /** Takes in one event; throws an ApiError for one that says that the call has failed. */
  add(event: JsonObject): void {
    // A proxy's duplicate has the same sequence_number, if the server sends any.
    const sequence = count(event.sequence_number);
    if (sequence > 0 && sequence === this.#sequence) return;
    this.#sequence = sequence;
    if (event.error != null) throw responseFailure(event.error);
    const delta = text(event.delta);
    switch (event.type) {
      case 'response.output_item.added':
        this.#added(object(event.item));
        break;
      case 'response.output_item.done':
        this.#done(object(event.item));
        break;
      case 'response.output_text.delta':
        this.#say(this.#of(event, 'message'), 'text', delta, count(event.content_index), event.logprobs);
        break;
      case 'response.refusal.delta':
        this.#say(this.#of(event, 'message'), 'refusal', delta, count(event.content_index));
        break;
      case 'response.output_text.annotation.added':
        this.#cite(this.#of(event, 'message'), [event.annotation], count(event.content_index));
        break;
      case 'response.content_part.done': {
        const { annotations } = object(event.part);
        if (objects(annotations).length === 0) break;
        this.#cite(this.#of(event, 'message'), annotations, count(event.content_index));
        break;
      }
      case 'response.reasoning_text.delta':
        this.#say(this.#of(event, 'reasoning'), 'reasoning', delta, count(event.content_index));
        break;
      case 'response.reasoning_summary_text.delta':
        this.#say(this.#of(event, 'reasoning'), 'summary', delta, count(event.summary_index));
        break;
      case 'response.function_call_arguments.delta':
        this.#argue(this.#of(event, 'function_call'), delta);
        break;
      case 'response.function_call_arguments.done': {
        const progress = this.#of(event, 'function_call');
        if (progress.hasArguments) break;
        progress.hasArguments = text(event.arguments) !== '';
        this.#argue(progress, restOfArguments(text(event.arguments), progress.texts.arguments));
        break;
      }
      case 'response.completed':
      case 'response.incomplete':
        this.#end(object(event.response));
        break;
      case 'response.failed':
      case 'response.cancelled':
        throw responseFailure(object(event.response).error);
      case 'error':
        throw responseFailure(event);
    }
  }

  /** Closes the open item, and returns the Finish. */
  finish(): Finish {
    const usage = usageOf(this.#response?.usage);
    const reason = this.#reason(usage?.output_tokens ?? 0);
    this.#speech.end(reason === 'stop' ? 'completed' : 'incomplete');
    return { type: 'finish', reason, usage, tier: toTier(this.#response?.service_tier) };
  }

  #end(response: JsonObject): void {
    if (response.error != null) throw responseFailure(response.error);
    this.#response = response;
    // Some servers end or even name items only here, and some under new ids: streamed ones are then known by their index.
    const itemCount = this.#items.size;
    const known = objects(response.output).filter(isKnown);
    for (const [at, item] of known.entries()) {
      const progress = this.#items.get(text(item.id)) ?? this.#openLike(item);
      if (progress ? !progress.done : at >= itemCount) this.#done(item);
    }
  }

  /** vLLM (0.20.2) says `completed` and gives the reason; llama.cpp (b11434) and Ollama (0.17.4) say only `completed`. */
  #reason(outputTokens: number): Finish['reason'] {
    const { incomplete_details, status } = this.#response ?? {};
    const why = object(incomplete_details).reason;
    if (why === 'content_filter') return why;
    if (why || status === 'incomplete') return 'max_output_tokens';
    if (this.#isOpenAI || this.#latest?.kind === 'whole') return 'stop';
    const used = outputTokens >= (this.#call.max_output_tokens ?? Number.POSITIVE_INFINITY);
    if (this.#latest?.kind !== 'function_call') return used ? 'max_output_tokens' : 'stop';
    const isCut = this.#speech.broken && (used || this.#latest.texts.arguments !== '');
    return isCut ? 'max_output_tokens' : 'stop';
  }

  /** The item of a delta. Some servers name an item they never added. */
  #of(event: JsonObject, kind: Arrival): ItemProgress {
    const id = text(event.item_id);
    const known = this.#items.get(id);
    if (known?.kind === kind) return known;
    const openItems = this.#openItems[kind];
    while (openItems.at(-1)?.done) openItems.pop();
    return openItems.at(-1) ?? this.#begin(kind, id);
  }

  /** The first open item that may be this final one: vLLM gives it another id at the end. */
  #openLike(item: JsonObject): ItemProgress | undefined {
    const openItems = this.#openItems[arrivalOf(item)].filter(({ done }) => !done).slice(0, CANDIDATES);
    const [content, args] = [textOf(item.content), text(item.arguments)];
    return openItems.find(({ texts }) => content.startsWith(texts.content) && args.startsWith(texts.arguments));
  }

  /** Begins an item. A second call with `parallel_tool_calls: false`, which some servers ignore, is read and dropped. */
  #begin(kind: Arrival, id: string, isCall = kind === 'function_call'): ItemProgress {
    const number = this.#items.size;
    if (number === fixedLimits.outputItems) throw endless(`${number} items`);
    const done = isCall && this.#calls > 0 && this.#call.parallel_tool_calls === false;
    const progress = { kind, number, texts: { summary: '', content: '', arguments: '' }, done, hasArguments: false };
    this.#items.set(id || `#${number}`, progress);
    if (done) return progress;
    this.#openItems[kind].push(progress);
    if (isCall) this.#calls++;
    this.#latest = progress;
    return progress;
  }

  #added(item: JsonObject): void {
    const [kind, id] = [arrivalOf(item), text(item.id)];
    if (kind === 'whole' || this.#items.has(id)) return;
    const progress = this.#begin(kind, id);
    progress.phase = phaseOf(item);
    if (kind === 'reasoning') this.#speech.of(progress.number).seal(text(item.encrypted_content));
    if (kind === 'function_call') this.#argue(progress, '', item);
  }

  /** The final item: what was not streamed is written now. */
  #done(item: JsonObject): void {
    const [kind, id] = [arrivalOf(item), text(item.id)];
    const existing = this.#items.get(id) ?? this.#openLike(item);
    if (kind === 'whole' && !existing) this.#whole(item, id);
    if (kind === 'whole') return;
    const progress = existing ?? this.#begin(kind, id);
    if (progress.done || progress.kind !== kind) return;
    const { texts, number } = progress;
    if (kind === 'function_call') this.#argue(progress, restOfArguments(text(item.arguments), texts.arguments), item);
    if (kind === 'message') this.#message(progress, item);
    if (kind === 'reasoning') {
      for (const { at, delta } of restOf(item.summary, texts.summary)) this.#say(progress, 'summary', delta, at);
      for (const { at, delta } of restOf(item.content, texts.content)) this.#say(progress, 'reasoning', delta, at);
      if (text(item.encrypted_content)) this.#speech.of(number).seal(text(item.encrypted_content));
    }
    progress.done = true;
  }

  #message(progress: ItemProgress, item: JsonObject): void {
    progress.phase = phaseOf(item) ?? progress.phase;
    const rest = restOf(item.content, progress.texts.content);
    for (const [at, part] of objects(item.content).entries()) {
      this.#say(progress, part.type === 'refusal' ? 'refusal' : 'text', rest[at]?.delta ?? '', at);
      this.#cite(progress, part.annotations, at);
    }
    if (this.#speech.isSpeaking(progress.number)) this.#speech.of(progress.number).message(progress.phase);
  }

  #whole(item: JsonObject, id: string): void {
    const known = toWholeItem(item);
    if (!known) {
      log.warn('an item of a type that is not known was left out', { type: nameIn(item.type) });
      return;
    }
    const progress = this.#begin('whole', id, isCall(known));
    if (!progress.done) this.#speech.of(progress.number).item(known);
    progress.done = true;
  }

  #say(progress: ItemProgress, voice: Voice, delta: string, at = 0, logprobs?: unknown): void {
    if (progress.done || delta === '') return;
    progress.texts[voice === 'summary' ? 'summary' : 'content'] += delta;
    const writer = this.#speech.of(progress.number);
    if (voice === 'text' || voice === 'refusal') writer.message(progress.phase);
    if (voice === 'text') writer.text(delta, this.#call.top_logprobs === null ? [] : toLogprobs(logprobs), at);
    else writer[voice](delta, at);
  }

  /** Adds citations to a text, unless another item was written after it: then they come too late. */
  #cite(progress: ItemProgress, list: unknown, at: number): void {
    if (progress.done || !this.#speech.isSpeaking(progress.number)) return;
    const writer = this.#speech.of(progress.number);
    for (const annotation of toAnnotations(list)) writer.cite(annotation, at);
  }

  #argue(progress: ItemProgress, delta: string, item: JsonObject = {}): void {
    if (progress.done) return;
    progress.texts.arguments += delta;
    const [id, name, namespace] = [item.call_id, item.name, item.namespace].map(text);
    const marks = marksOf(item);
    this.#speech.call(progress.number, { id: id || null, name: name || null, namespace, marks, arguments: delta });
  }
}

function phaseOf({ phase }: JsonObject): Phase | undefined {
  return Phase.options.find((known) => known === phase);
}

/** The marks of a call. Callers other than `direct` (programs) are never offered to the model. */
function marksOf({ async: isAsync, caller }: JsonObject): CallMarks {
  return {
    ...(typeof isAsync === 'boolean' && { async: isAsync }),
    ...(object(caller).type === 'direct' && { caller: { type: 'direct' } }),
  };
}

/** The ApiError of a failed response, whose codes are words and not statuses. */
function responseFailure(error: unknown): ApiError {
  if (!isObject(error)) return failureInStream(error ?? null);
  const code = text(error.code);
  const isClients = /invalid|context_length|image/.test(code);
  return failureInStream(isClients ? { ...error, type: 'invalid_request_error' } : error);
}
