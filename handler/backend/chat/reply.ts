import type { ItemEvent } from '../../events/events.ts';
import { ItemWriter } from '../../events/item-writer.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Usage } from '../../protocol/response.ts';
import type { Finish, ModelCall } from '../backend.ts';
import { argumentsIn } from '../functions/call-arguments.ts';
import { CallQueue } from '../functions/call-queue.ts';
import { indexIn } from '../functions/identity.ts';
import type { ModelFunction } from '../functions/tools.ts';
import { type Ending, endingOf, gaveUp, laterEnding } from '../server/ending.ts';
import { errorIn } from '../server/error-event.ts';
import { failureInStream } from '../server/failure.ts';
import {
  eitherUsage,
  laterUsage,
  object,
  objects,
  text,
  toAnnotations,
  toLogprobs,
  usageReader,
} from '../server/json-fields.ts';
import type { Reply } from '../server/reply-stream.ts';
import { type Said, saidIn } from '../server/said.ts';
import { toTier } from '../server/tier.ts';
import { notUnderstood, shapeOf, unreadIn } from '../server/unread.ts';
import { CHOICE, CHUNK, COMMON, DELTA, innerChunk, newIn, otherReason, REASONING } from './chunk.ts';
import { isState, OpaqueState } from './opaque-state.ts';

const usageOf = eitherUsage(usageReader('prompt', 'completion'), usageReader('input', 'output'));

/**
 * Reads the chunks of one streamed chat completion and writes the items that they make. Members are read one by one,
 * not by a schema: that would cost more per token than all the rest, and servers leave out, null and add at will.
 */
export class ChatReply implements Reply {
  /** Usage may come after everything else. */
  readonly over = false;
  readonly #writer: ItemWriter;
  readonly #calls: CallQueue;
  readonly #state: OpaqueState;
  readonly #maxOutputTokens: number | null;
  /** Some servers send log probabilities unasked. */
  readonly #logprobs: boolean;
  #onReasoning: ((member: string) => void) | undefined;
  #usage: Usage | null = null;
  #ending: Ending | undefined;
  /** The word of the ending. */
  #reason: unknown;
  /** Whether the last reason came in a chunk that said nothing else, and nothing was said after it. */
  #endsAlone = false;
  /** Whether something was said after a reason: then reasons beside what is said mean nothing. */
  #goesOn = false;
  #tier: Finish['tier'];
  #served = '';
  /** Whether the answer came in deltas: then a complete message repeats it. */
  #hasDeltas = false;
  /** What complete messages said so far. */
  #message = '';
  /** Whether reasoning comes in another member than the two common ones, or in parts. */
  #hasOtherReasoning = false;
  /** What was said while a call was incomplete. */
  #held: { said: Said[]; logprobs: unknown; annotations: unknown }[] = [];
  /** The shape of the first thing that was not understood. */
  #unread: string | undefined;

  constructor(
    terms: Pick<ModelCall, 'parallel_tool_calls' | 'max_output_tokens' | 'top_logprobs' | 'reasoning'>,
    tools: ReadonlyMap<string, ModelFunction>,
    /** The id of the server. */
    server: string,
    /** Told once, of the member in which reasoning comes. */
    onReasoning: (member: string) => void = () => {},
  ) {
    this.#onReasoning = onReasoning;
    this.#state = new OpaqueState(server);
    this.#writer = new ItemWriter(terms.reasoning.summary !== null);
    this.#calls = new CallQueue(
      this.#writer,
      tools,
      terms.parallel_tool_calls === false ? 1 : Number.POSITIVE_INFINITY,
    );
    this.#maxOutputTokens = terms.max_output_tokens;
    this.#logprobs = terms.top_logprobs !== null;
  }

  /** The events since the last take. */
  take(): ItemEvent[] {
    return this.#writer.take();
  }

  /** Whether a finish reason came. */
  get finished(): boolean {
    return this.#ending !== undefined;
  }

  /** Whether the answer has ended for certain: with usage, or a reason behind all that it said. */
  get settled(): boolean {
    return this.#ending !== undefined && (!this.#goesOn || this.#endsAlone || this.#usage !== null);
  }

  /** Takes in one chunk, also after a finish reason: some servers send one with every chunk. Throws an ApiError for an error. */
  add(chunk: JsonObject): void {
    if (chunk.error != null) {
      const error = errorIn(chunk);
      if (error !== undefined) throw failureInStream(error);
    }
    if (chunk.usage != null) this.#count(chunk.usage);
    const [choice] = objects(chunk.choices);
    if (choice) this.#choice(chunk, choice);
    else this.#aside(chunk);
  }

  #choice(chunk: JsonObject, choice: JsonObject): void {
    const { delta } = choice;
    if (isObject(delta)) this.#state.before(delta, this.#writer);
    const hasSaid = (isObject(delta) && this.#delta(delta, choice.logprobs)) || this.#any(chunk, choice);
    if (hasSaid) {
      this.#endsAlone = false;
      if (this.#ending !== undefined) this.#goesOn = true;
    }
    const reason = choice.finish_reason ?? (hasSaid ? null : otherReason(chunk, choice));
    if (reason == null) return;
    this.#end(choice, reason, hasSaid);
    this.#count(object(chunk.x_groq).usage);
    this.#tier = toTier(chunk.service_tier);
    this.#served = text(chunk.model);
  }

  /** Takes in `[DONE]`, with which some servers say that the model stopped, and nothing else; others, that they failed. */
  done(): void {
    if (this.#ending === undefined && this.#unread) throw notUnderstood(this.#unread);
    this.#ending ??= 'stop';
  }

  /** Closes the open item, and returns the Finish. Throws an ApiError if the server gave up, or nothing of it was understood. */
  finish(): Finish {
    const reason = this.#finishReason();
    const status = reason === 'stop' ? 'completed' : 'incomplete';
    this.#calls.end(status);
    if (this.#held.length > 0 && status === 'incomplete' && this.#calls.broken) this.#writer.close(status);
    this.#release();
    if (reason === 'failed') throw gaveUp(this.#reason);
    this.#state.end(this.#writer, status);
    if (reason === 'stop' && this.#unread && this.#writer.isSilent) throw notUnderstood(this.#unread);
    return { type: 'finish', reason, usage: this.#usage, tier: this.#tier, served: this.#served };
  }

  /** Reads a delta of the common members; false if it may have others, or has none. */
  #delta(delta: JsonObject, logprobs: unknown): boolean {
    const { content, tool_calls } = delta;
    if (!this.#hasDeltas || (content != null && typeof content !== 'string')) return false;
    // `reasoning_content`: llama.cpp, DeepSeek, SGLang, older vLLM. `reasoning`: Ollama, newer vLLM, OpenRouter.
    const reasoning = text(delta.reasoning_content) || text(delta.reasoning);
    if (delta.refusal || delta.annotations || (reasoning === '' && this.#hasOtherReasoning)) return false;
    const calls = objects(tool_calls);
    if (!reasoning && !content && calls.length === 0) return false;
    if ((reasoning || content) && this.#calls.isPending) return false;
    if (reasoning || content) this.#calls.flush();
    if (reasoning) {
      if (this.#onReasoning) this.#hear(delta.reasoning_content ? 'reasoning_content' : 'reasoning');
      this.#writer.reasoning(reasoning);
    }
    if (content) this.#writer.text(content, this.#logprobs ? toLogprobs(object(logprobs).content) : []);
    for (const call of calls) this.#call(call, indexIn(call.index));
    return true;
  }

  /** Tells, once, in which member reasoning comes. */
  #hear(member: string): void {
    this.#onReasoning?.(member);
    this.#onReasoning = undefined;
  }

  /** Writes what was said, once no call is incomplete: an item in the middle of a call would end it. */
  #say(said: Said[], logprobs?: unknown, annotations?: unknown): void {
    if (this.#calls.isPending) {
      this.#held.push({ said, logprobs, annotations });
      return;
    }
    if (said.length > 0) this.#calls.flush();
    for (const { voice, text } of said) {
      if (voice !== 'text') this.#writer[voice](text);
      else this.#writer.text(text, this.#logprobs ? toLogprobs(object(logprobs).content) : []);
    }
    if (!annotations) return;
    const flat = objects(annotations).map(({ type, ...rest }) => ({ type, ...object(rest[text(type)]) }));
    for (const annotation of toAnnotations(flat)) this.#writer.cite(annotation);
  }

  /** Writes what was held. */
  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const { said, logprobs, annotations } of held) this.#say(said, logprobs, annotations);
  }

  /** Takes in a fragment of a call, whose members some servers do not put into a `function`. */
  #call(call: JsonObject, index: number | null): void {
    const fn = isObject(call.function) ? call.function : call;
    const args = fn.arguments ?? fn.parameters ?? fn.input;
    const isUnread = (name: string) => isObject(fn[name]) && fn[name] !== args && !isState(name);
    if ((fn === call || args == null) && Object.keys(fn).some(isUnread)) {
      throw notUnderstood(shapeOf({ tool_calls: [call] }));
    }
    const [id, name] = [text(call.id) || null, text(fn.name) || null];
    this.#calls.add({ index, id, name, arguments: argumentsIn(args) });
    if (this.#held.length > 0 && !this.#calls.isPending) this.#release();
  }

  /** Reads a chunk in all ways that servers have, which few chunks of a stream need. True if it has a part of the answer. */
  #any(chunk: JsonObject, choice: JsonObject): boolean {
    const delta = object(choice.delta);
    for (const usage of [choice.usage, delta.usage, object(choice.message).usage]) this.#count(usage);
    const error = errorIn({ ...choice, message: undefined }) ?? (delta.error == null ? undefined : errorIn(delta));
    if (error !== undefined) throw failureInStream(error);
    if (this.#part(delta, choice, null)) {
      this.#hasDeltas = true;
      return true;
    }
    // At the end some servers send all that was streamed once more.
    const { message } = choice;
    if (isObject(message)) {
      if (this.#hasDeltas) return false;
      this.#state.before(message, this.#writer);
      if (typeof message.content !== 'string') return this.#part(message, choice, 0);
      const content = newIn(message.content, this.#message);
      this.#message += content;
      return this.#part({ ...message, content }, choice, 0);
    }
    this.#unread ??= unreadIn(delta, DELTA) ?? unreadIn(choice, CHOICE) ?? unreadIn(chunk, CHUNK);
    return false;
  }

  /** Reads a delta or a message, whose calls are counted from `first` if they have no index. */
  #part(part: JsonObject, choice: JsonObject, first: number | null): boolean {
    const member = REASONING.find((name) => saidIn(part[name], 'reasoning').length > 0);
    const reasoning = member ? saidIn(part[member], 'reasoning') : [];
    const isText = member !== undefined && typeof part[member] === 'string';
    if (isText) this.#hear(member);
    this.#hasOtherReasoning ||= member !== undefined && !(isText && COMMON.has(member));
    const said = [...reasoning, ...saidIn(part.content), ...saidIn(part.refusal, 'refusal')];
    // What is no chat completion's: a text in place of a delta, or of a choice's members.
    if (said.length === 0) said.push(...saidIn(typeof choice.delta === 'string' ? choice.delta : choice.text));
    if (said.length > 0 || part.annotations) this.#say(said, choice.logprobs, part.annotations);
    const calls = [part.tool_calls ?? []].flat();
    for (const [at, call] of calls.entries()) {
      if (!isObject(call)) throw notUnderstood(shapeOf({ tool_calls: calls }));
      this.#call(call, indexIn(call.index) ?? (first === null ? null : first + at));
    }
    if (isObject(part.function_call)) this.#call({ function: part.function_call }, 0);
    return said.length > 0 || calls.length > 0 || isObject(part.function_call);
  }

  /** Reads a chunk without a list of choices: usage, an error, a sign of life, or a chunk in another. */
  #aside(chunk: JsonObject): void {
    if (isObject(chunk.choices)) {
      this.#choice(chunk, chunk.choices);
      return;
    }
    const inner = innerChunk(chunk);
    if (inner) {
      this.add(inner);
      return;
    }
    const error = errorIn(chunk);
    if (error !== undefined) throw failureInStream(error);
    if (typeof chunk.finish_reason === 'string') this.#end(chunk, chunk.finish_reason, false);
    if (isObject(chunk.x_groq)) this.#count(chunk.x_groq.usage);
    this.#unread ??= unreadIn(chunk, CHUNK);
  }

  #count(usage: unknown): void {
    if (usage == null) return;
    this.#usage = laterUsage(this.#usage, usageOf(usage));
  }

  #end(choice: JsonObject, reason: unknown, hasSaid: boolean): void {
    const ending = laterEnding(this.#ending, endingOf(reason));
    if (ending !== this.#ending) this.#reason = reason;
    this.#ending = ending;
    this.#endsAlone = !hasSaid;
    if (hasSaid && choice.usage != null) this.#count(choice.usage);
    if (choice.error != null && errorIn(choice) !== undefined) throw failureInStream(choice.error);
  }

  #finishReason(): Ending {
    if (this.#ending !== 'stop') return this.#ending ?? 'stop';
    const maxTokens = this.#maxOutputTokens;
    const usedUp = maxTokens !== null && (this.#usage?.output_tokens ?? 0) >= maxTokens;
    return usedUp && this.#calls.broken ? 'max_output_tokens' : 'stop';
  }
}
