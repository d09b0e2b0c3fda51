import type { ItemEvent } from '../../events/events.ts';
import { isCall } from '../../items/roles.ts';
import { log } from '../../log.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Finish, ModelCall, ServerProfile } from '../backend.ts';
import { argumentsIn } from '../functions/call-arguments.ts';
import { indexIn, type Marks } from '../functions/identity.ts';
import type { ModelFunction } from '../functions/tools.ts';
import { type Ending, endingOf, gaveUp, laterEnding } from '../server/ending.ts';
import { errorIn } from '../server/error-event.ts';
import { count, nameIn, object, objects, text, toAnnotations, toLogprobs, usageReader } from '../server/json-fields.ts';
import type { Reply } from '../server/reply-stream.ts';
import { toTier } from '../server/tier.ts';
import { notUnderstood, shapeOf, unreadIn } from '../server/unread.ts';
import { isBesideCalls, isKnownEvent } from './events.ts';
import { responseFailure } from './failure.ts';
import { arrivalOf, isKnown, marksOf, partsOf, phaseOf, restOf, toWholeItem } from './items.ts';
import { Speech } from './speech.ts';
import { type ItemProgress, StreamedItems } from './streamed-items.ts';

const usageOf = usageReader('input', 'output');

/** The kinds of text of messages and reasoning. */
type Voice = 'text' | 'refusal' | 'reasoning' | 'summary';

type Terms = Pick<ModelCall, 'parallel_tool_calls' | 'max_output_tokens' | 'top_logprobs' | 'reasoning'>;

/**
 * Reads the events of another server's response. Only deltas, added and done items, and the terminal event are read:
 * the other events repeat them, and servers differ in those. Members are read one by one, as in ChatReply.
 */
export class ResponsesReply implements Reply {
  readonly #call: Terms;
  readonly #isOpenAI: boolean;
  readonly #speech: Speech;
  readonly #items: StreamedItems;
  #sequence = 0;
  #response: JsonObject | undefined;
  /** Events of other items that came while a call was incomplete. */
  #held: JsonObject[] = [];
  /** The shape of the first thing that was not understood. */
  #unread: string | undefined;

  /** `tools` by their names on the server, where they are functions to it. */
  constructor(
    call: Terms,
    { isOpenAI }: Pick<ServerProfile, 'isOpenAI'>,
    tools: ReadonlyMap<string, ModelFunction> = new Map(),
  ) {
    this.#call = call;
    this.#isOpenAI = isOpenAI;
    this.#speech = new Speech(call.reasoning.summary !== null, tools);
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
    const delta = text(event.delta);
    switch (event.type) {
      case 'response.output_item.added':
        this.#added(object(event.item), indexIn(event.output_index));
        break;
      case 'response.output_item.done':
        this.#done(object(event.item), indexIn(event.output_index));
        break;
      case 'response.output_text.delta':
        this.#say(this.#items.of(event, 'message'), 'text', delta, count(event.content_index), event.logprobs);
        break;
      case 'response.refusal.delta':
        this.#say(this.#items.of(event, 'message'), 'refusal', delta, count(event.content_index));
        break;
      case 'response.output_text.annotation.added':
        this.#cite(this.#items.of(event, 'message'), [event.annotation], count(event.content_index));
        break;
      case 'response.content_part.done': {
        const { annotations } = object(event.part);
        if (objects(annotations).length === 0) break;
        this.#cite(this.#items.of(event, 'message'), annotations, count(event.content_index));
        break;
      }
      case 'response.reasoning_text.delta':
        this.#say(this.#items.of(event, 'reasoning'), 'reasoning', delta, count(event.content_index));
        break;
      case 'response.reasoning_summary_text.delta':
        this.#say(this.#items.of(event, 'reasoning'), 'summary', delta, count(event.summary_index));
        break;
      case 'response.function_call_arguments.delta':
        this.#argue(this.#items.of(event, 'function_call'), argumentsIn(event.delta));
        break;
      case 'response.function_call_arguments.done':
        this.#argue(this.#items.of(event, 'function_call'), argumentsIn(event.arguments), {}, true);
        break;
      case 'response.completed':
      case 'response.incomplete':
      case 'response.done':
        this.#end({ status: event.type.slice('response.'.length), ...object(event.response) });
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

  /** Closes the open item, and returns the Finish. Throws an ApiError if the server gave up, or nothing of it was understood. */
  finish(): Finish {
    const usage = usageOf(this.#response?.usage);
    const reason = this.#reason(usage?.output_tokens ?? 0);
    if (reason === 'failed') {
      this.#speech.settle('incomplete');
      throw gaveUp(object(this.#response?.incomplete_details).reason ?? this.#response?.status);
    }
    this.#speech.finish(reason === 'stop' ? 'completed' : 'incomplete');
    if (reason === 'stop' && this.#unread && this.#speech.isSilent) throw notUnderstood(this.#unread);
    return { type: 'finish', reason, usage, tier: toTier(this.#response?.service_tier) };
  }

  #end(response: JsonObject): void {
    if (response.error != null) throw responseFailure(response.error);
    this.#response = response;
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
  }

  /** Reads an item of the terminal event; one that was not streamed is there behind `itemCount` others. */
  #atEnd(item: JsonObject, at: number, itemCount = Number.POSITIVE_INFINITY): void {
    const progress = this.#items.ofFinal(item, null);
    if (progress ? !progress.done : at >= itemCount) this.#done(item, null);
  }

  /** Reads events that only few servers send. */
  #other(event: JsonObject): void {
    const { type, delta, object: kind } = event;
    if (kind === 'response') {
      this.#end(event); // the whole answer, without a stream
      return;
    }
    const error = errorIn(event);
    if (error !== undefined) throw responseFailure(error);
    const name = text(type);
    if (name.startsWith('response.') && name.endsWith('.delta') && text(delta) !== '') {
      // Other names of the same: the terminal event would say it as well, but too late.
      const kind = /\.(reasoning|thinking)(_content)?\.delta$/.test(name) ? 'reasoning' : 'message';
      if (kind === 'reasoning' || /\.(text|content|message)\.delta$/.test(name)) {
        const voice = kind === 'reasoning' ? kind : 'text';
        this.#say(this.#items.of(event, kind), voice, text(delta), count(event.content_index));
      }
    }
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
    if (this.#isOpenAI || this.#items.latest?.kind === 'whole') return 'stop';
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
    if (kind === 'reasoning') this.#speech.of(progress.number).seal(text(item.encrypted_content));
    if (kind === 'function_call') this.#argue(progress, argumentsIn(item.arguments), item);
  }

  /** The final item: what was not streamed is written now. */
  #done(item: JsonObject, index: number | null): void {
    const [kind, id] = [arrivalOf(item), text(item.id) || null];
    const existing = this.#items.ofFinal(item, index);
    if (kind === 'whole' && !existing) this.#whole(item, { index, id });
    if (kind === 'whole') return;
    const progress = existing ?? this.#items.begin(kind, { index, id });
    if (progress.done) return;
    const { texts, number } = progress;
    if (kind === 'function_call') this.#argue(progress, argumentsIn(item.arguments), item, true);
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
    for (const [at, part] of partsOf(item.content).entries()) {
      this.#say(progress, part.type === 'refusal' ? 'refusal' : 'text', rest[at]?.delta ?? '', at);
      this.#cite(progress, part.annotations, at);
    }
    if (this.#speech.isSpeaking(progress.number)) this.#speech.of(progress.number).message(progress.phase);
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

  #say(progress: ItemProgress, voice: Voice, delta: string, at = 0, logprobs?: unknown): void {
    if (delta === '') return;
    const list = voice === 'summary' ? 'summary' : 'content';
    // Deltas that come late repeat what is done; others become an item of their own.
    if (progress.done && progress.texts[list].includes(delta)) return;
    progress.texts[list] += delta;
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

  #argue(progress: ItemProgress, args: string, item: JsonObject = {}, ends = false): void {
    if (progress.isDropped) return;
    progress.hasArguments ||= args !== '';
    const [id, name, namespace] = [item.call_id, item.name, item.namespace].map(text);
    const marks = marksOf(item);
    const fragment = { id: id || null, name: name || null, namespace, marks, arguments: args, ends };
    this.#speech.call(progress.number, fragment);
  }
}
