import type { ItemEvent } from '../../events/events.ts';
import { isCall } from '../../items/roles.ts';
import { log } from '../../log.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Usage } from '../../protocol/response.ts';
import type { Finish, ModelCall, ServerProfile } from '../backend.ts';
import { argumentsIn } from '../functions/call-arguments.ts';
import { indexIn, type Marks } from '../functions/identity.ts';
import type { ModelFunction } from '../functions/tools.ts';
import { type Ending, endingOf, gaveUp, laterEnding } from '../server/ending.ts';
import { errorIn } from '../server/error-event.ts';
import { count, eitherUsage, laterUsage, nameIn, object, objects, text, usageReader } from '../server/json-fields.ts';
import type { Reply } from '../server/reply-stream.ts';
import { toTier } from '../server/tier.ts';
import { notUnderstood, shapeOf, unreadIn } from '../server/unread.ts';
import { isBesideCalls, isKnownEvent } from './events.ts';
import { responseFailure } from './failure.ts';
import { arrivalOf, isKnown, marksOf, phaseOf, textOf, toWholeItem } from './items.ts';
import { ENDS, ofOtherDelta, PARTS } from './places.ts';
import { sealedIn } from './sealed-reasoning.ts';
import { Speech } from './speech.ts';
import { type ItemProgress, StreamedItems } from './streamed-items.ts';
import { Texts, textDelta, wordsIn } from './texts.ts';

const usageOf = eitherUsage(usageReader('input', 'output'), usageReader('prompt', 'completion'));

type Terms = Pick<ModelCall, 'parallel_tool_calls' | 'max_output_tokens' | 'top_logprobs' | 'reasoning'>;

/**
 * Reads the events of another server's response. Only deltas, added and done items, and the terminal event are read:
 * the other events repeat them, and servers differ in those. Members are read one by one, as in ChatReply.
 */
export class ResponsesReply implements Reply {
  readonly #call: Terms;
  /** The id of the server; null for OpenAI's. */
  readonly #server: string | null;
  readonly #speech: Speech;
  readonly #items: StreamedItems;
  readonly #texts: Texts;
  #sequence = 0;
  #response: JsonObject | undefined;
  #usage: Usage | null = null;
  /** Events of other items that came while a call was incomplete. */
  #held: JsonObject[] = [];
  /** The shape of the first thing that was not understood. */
  #unread: string | undefined;

  /** `tools` by their names on the server, where they are functions to it; `server` is its id. */
  constructor(
    call: Terms,
    { isOpenAI }: Pick<ServerProfile, 'isOpenAI'>,
    tools: ReadonlyMap<string, ModelFunction> = new Map(),
    server = '',
  ) {
    this.#server = isOpenAI ? null : server;
    this.#call = call;
    this.#speech = new Speech(call.reasoning.summary !== null, tools);
    this.#texts = new Texts(this.#speech, call.top_logprobs !== null);
    this.#items = new StreamedItems(call.parallel_tool_calls === false ? 1 : Number.POSITIVE_INFINITY, this.#speech);
  }

  /** The events since the last take. */
  take(): ItemEvent[] {
    return this.#speech.take();
  }

  /** Whether the terminal event came. */
  get finished(): boolean {
    return this.#response !== undefined;
  }

  /** The same. */
  get settled(): boolean {
    return this.finished;
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
    const error = event.error != null && event.object !== 'response' ? errorIn(event) : undefined;
    if (error !== undefined) throw responseFailure(error);
    if (this.#speech.isPending && isBesideCalls(event)) {
      this.#held.push(event);
      return;
    }
    this.#read(event);
    if (this.#held.length > 0 && !this.#speech.isPending) this.#release();
  }

  #read(event: JsonObject): void {
    const { type } = event;
    const delta = typeof event.delta === 'string' ? event.delta : textDelta(event);
    switch (type) {
      case 'response.output_text.delta':
        this.#texts.say(this.#items.of(event, 'message'), 'text', delta, count(event.content_index), event.logprobs);
        break;
      case 'response.refusal.delta':
        this.#texts.say(this.#items.of(event, 'message'), 'refusal', delta, count(event.content_index));
        break;
      case 'response.reasoning_text.delta':
        this.#texts.say(this.#items.of(event, 'reasoning'), 'reasoning', delta, count(event.content_index));
        break;
      case 'response.reasoning_summary_text.delta':
        this.#texts.say(this.#items.of(event, 'reasoning'), 'summary', delta, count(event.summary_index));
        break;
      case 'response.output_text.done':
      case 'response.refusal.done':
      case 'response.reasoning_text.done':
      case 'response.reasoning_summary_text.done': {
        const [kind, voice, at] = ENDS[type];
        const all = wordsIn(event.text ?? event.refusal);
        this.#texts.sayRest(this.#items.of(event, kind, all), voice, all, count(event[at]));
        break;
      }
      case 'response.content_part.added':
      case 'response.content_part.done':
        this.#part(event, object(event.part));
        break;
      case 'response.output_text.annotation.added':
        this.#texts.cite(this.#items.of(event, 'message'), [event.annotation], count(event.content_index));
        break;
      case 'response.output_item.added':
        this.#added(object(event.item), indexIn(event.output_index));
        break;
      case 'response.output_item.done':
        this.#done(object(event.item), indexIn(event.output_index));
        break;
      case 'response.function_call_arguments.delta':
        this.#argue(this.#items.of(event, 'function_call'), argumentsIn(event.delta));
        break;
      case 'response.function_call_arguments.done':
        this.#argue(this.#items.of(event, 'function_call'), argumentsIn(event.arguments), event, true);
        break;
      case 'response.completed':
      case 'response.incomplete':
      case 'response.done':
        this.#end({ status: type.slice('response.'.length), usage: event.usage, ...object(event.response) });
        break;
      case 'response.failed':
      case 'response.cancelled':
      case 'response.error':
        throw responseFailure(object(event.response).error ?? event);
      case 'error':
        throw responseFailure(errorIn(event));
      default:
        this.#other(event);
    }
  }

  /** Reads a part as it begins or ends; most servers have said its text in deltas. */
  #part(event: JsonObject, part: JsonObject): void {
    const [kind, voice] = PARTS[text(part.type)] ?? [];
    if (!kind || !voice) return;
    const all = text(part.text) || text(part.refusal);
    if (all === '') return;
    const [item, at] = [this.#items.of(event, kind, all), count(event.content_index)];
    if (event.type === 'response.content_part.added') this.#texts.give(item, all);
    else {
      this.#texts.sayRest(item, voice, all, at);
      this.#texts.cite(item, part.annotations, at);
    }
  }

  /** Closes the open item, and returns the Finish. Throws an ApiError if the server gave up, or nothing of it was understood. */
  finish(): Finish {
    const reason = this.#reason(this.#usage?.output_tokens ?? 0);
    if (reason === 'failed') {
      this.#speech.settle('incomplete');
      throw gaveUp(object(this.#response?.incomplete_details).reason ?? this.#response?.status);
    }
    this.#speech.finish(reason === 'stop' ? 'completed' : 'incomplete');
    if (reason === 'stop' && this.#unread && this.#speech.isSilent) throw notUnderstood(this.#unread);
    const { service_tier, model } = object(this.#response);
    return { type: 'finish', reason, usage: this.#usage, tier: toTier(service_tier), served: text(model) };
  }

  #end(response: JsonObject): void {
    if (response.error != null) throw responseFailure(response.error);
    this.#response = response;
    this.#usage = laterUsage(this.#usage, usageOf(response.usage));
    // Some servers end or even name items only here, and some under new ids: streamed ones are then known by their index.
    const { output } = response;
    const known = objects(output).filter(isKnown);
    if (objects(output).length > known.length) this.#unread ??= unreadIn({ output });
    if (this.#held.length > 0) {
      // What was held would end the call that it waits for.
      for (const [at, item] of known.entries()) if (arrivalOf(item) === 'function_call') this.#atEnd(item, at);
      this.#release();
    }
    const itemCount = this.#items.count;
    for (const [at, item] of known.entries()) this.#atEnd(item, at, itemCount);
    this.#texts.end();
    if (this.#items.count === 0) this.#texts.say(this.#items.of({}, 'message'), 'text', text(response.output_text));
  }

  /** Reads an item of the terminal event; one that was not streamed is there behind `itemCount` others. */
  #atEnd(item: JsonObject, at: number, itemCount = Number.POSITIVE_INFINITY): void {
    const progress = this.#items.ofFinal(item, null);
    if (progress ? !progress.done : at >= itemCount) this.#done(item, null);
  }

  /** Reads events that only few servers send. */
  #other(event: JsonObject): void {
    const { type, object: kind } = event;
    if (kind === 'response' || (type === undefined && Array.isArray(event.output))) {
      // The whole answer, without a stream. One that is not complete yet is none.
      if (endingOf(event.status ?? 'completed') !== undefined) this.#end(event);
      return;
    }
    if (isObject(event.response)) this.#usage = laterUsage(this.#usage, usageOf(event.response.usage));
    const error = errorIn(event);
    if (error !== undefined) throw responseFailure(error);
    const name = text(type);
    const place = ofOtherDelta(name);
    // The terminal event would say it as well, but too late.
    if (place) this.#texts.say(this.#items.of(event, place[0]), place[1], wordsIn(event.delta), count(event[place[2]]));
    if (!isKnownEvent(name)) this.#unread ??= unreadIn(event);
  }

  /** Reads what was held. */
  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const event of held) this.#read(event);
  }

  /** vLLM (0.20.2) says `completed` and gives the reason; llama.cpp (b11434) and Ollama (0.17.4) say only `completed`. */
  #reason(outputTokens: number): Ending {
    const { incomplete_details, status } = this.#response ?? {};
    const why = endingOf(object(incomplete_details).reason);
    const ending = laterEnding(endingOf(status), why);
    if (ending === 'failed' || ending === 'content_filter') return ending;
    if (why || ending === 'max_output_tokens') return 'max_output_tokens';
    if (this.#items.latest?.isCut) return 'max_output_tokens';
    if (this.#server === null || this.#items.latest?.kind === 'whole') return 'stop';
    const used = outputTokens >= (this.#call.max_output_tokens ?? Number.POSITIVE_INFINITY);
    if (this.#items.latest?.kind !== 'function_call') return used ? 'max_output_tokens' : 'stop';
    const isCut = this.#speech.broken && (used || this.#items.latest.hasArguments);
    return isCut ? 'max_output_tokens' : 'stop';
  }

  #added(item: JsonObject, index: number | null): void {
    const [kind, id] = [arrivalOf(item), text(item.id) || null];
    if (kind === 'whole' || this.#items.byId(item, index)) return;
    const progress = this.#items.begin(kind, { index, id });
    progress.phase = phaseOf(item);
    if (kind === 'reasoning') this.#speech.of(progress.number).seal(sealedIn(item, progress.texts, this.#server));
    if (kind === 'function_call') this.#argue(progress, argumentsIn(item.arguments), item);
    else this.#texts.give(progress, textOf(item.content));
  }

  /** The final item: what was not streamed is written now. */
  #done(item: JsonObject, index: number | null): void {
    const [kind, id] = [arrivalOf(item), text(item.id) || null];
    const existing = this.#items.ofFinal(item, index);
    if (kind === 'whole' && !existing) this.#whole(item, { index, id });
    if (kind === 'whole') return;
    const progress = existing ?? this.#items.begin(kind, { index, id });
    if (progress.done) return;
    progress.isCut = item.status === 'incomplete';
    if (kind === 'function_call') this.#argue(progress, argumentsIn(item.arguments), item, true);
    if (kind === 'message') this.#texts.message(progress, item);
    if (kind === 'reasoning') {
      this.#texts.reasoning(progress, item);
      if (text(item.encrypted_content))
        this.#speech.of(progress.number).seal(sealedIn(item, progress.texts, this.#server));
    }
    progress.done = true;
  }

  #whole(item: JsonObject, marks: Marks): void {
    const known = toWholeItem(item);
    if (!known) {
      this.#unread ??= shapeOf(item);
      log.warn('an item of a type that is not known was left out', { type: nameIn(item.type) });
      return;
    }
    const progress = this.#items.begin('whole', marks, isCall(known));
    if (!progress.isDropped) this.#speech.of(progress.number).item(known);
    progress.done = true;
  }

  #argue(progress: ItemProgress, args: string, item: JsonObject = {}, ends = false): void {
    if (progress.isDropped) return;
    progress.hasArguments ||= args !== '';
    const [id, name, namespace] = [item.call_id, item.name, item.namespace].map(text);
    const marks = marksOf(item);
    if (id) this.#items.name(progress, id);
    const fragment = { id: id || null, name: name || null, namespace, marks, arguments: args, ends };
    this.#speech.call(progress.number, fragment);
  }
}
