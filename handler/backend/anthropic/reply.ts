import { ApiError, endless } from '../../errors.ts';
import type { ItemEvent } from '../../events/events.ts';
import { ItemWriter } from '../../events/item-writer.ts';
import { fixedLimits } from '../../limits.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Finish, ModelCall } from '../backend.ts';
import { argumentsIn } from '../functions/call-arguments.ts';
import { CallQueue } from '../functions/call-queue.ts';
import { indexIn } from '../functions/identity.ts';
import type { ModelFunction } from '../functions/tools.ts';
import { type Ending, endingOf, gaveUp, laterEnding } from '../server/ending.ts';
import { errorIn } from '../server/error-event.ts';
import { failureInStream, garbled } from '../server/failure.ts';
import { object, objects, text } from '../server/json-fields.ts';
import type { Reply } from '../server/reply-stream.ts';
import { saidIn } from '../server/said.ts';
import { notUnderstood, shapeOf, unreadIn } from '../server/unread.ts';
import { isBesideCalls, isSpoken, toTier, toUsage } from './events.ts';
import { sealThought } from './sealed-thought.ts';

/** A block that has begun. */
interface Block {
  type: string;
  /** Its place among all blocks. Some servers give all of them the same index. */
  number: number;
}

/** The events that are known, beside those that are read. */
const KNOWN: ReadonlySet<unknown> = new Set(['ping']);

/**
 * Reads the events of a streamed message, and writes an item for each block. A new block ends the one before, unless that is an
 * incomplete call: llama.cpp (b11549) ends all blocks only at the end. Unknown blocks and events are skipped, as the API
 * requires, but an answer in which nothing else came is none.
 */
export class MessagesReply implements Reply {
  readonly #writer: ItemWriter;
  readonly #calls: CallQueue;
  /** The last block of each index. */
  readonly #blocks = new Map<number, Block>();
  #latest: Block | undefined;
  #blockCount = 0;
  /** The open thinking block. */
  #thought: { block: Block; thinking: string; signature: string } | undefined;
  /** The blocks that the message began with, which count if no others come. */
  #given: JsonObject[] = [];
  /** Events of other blocks that came while a call was incomplete. */
  #held: JsonObject[] = [];
  #usage: JsonObject = {};
  #served = '';
  #over = false;
  #ending: Ending | undefined;
  #reason: unknown;
  /** The shape of the first thing that was not understood. */
  #unread: string | undefined;

  constructor(terms: Pick<ModelCall, 'parallel_tool_calls' | 'reasoning'>, tools: ReadonlyMap<string, ModelFunction>) {
    this.#writer = new ItemWriter(terms.reasoning.summary !== null);
    this.#calls = new CallQueue(
      this.#writer,
      tools,
      terms.parallel_tool_calls === false ? 1 : Number.POSITIVE_INFINITY,
    );
  }

  /** The events since the last take. */
  take(): ItemEvent[] {
    return this.#writer.take();
  }

  /** Whether a stop reason or message_stop came. */
  get finished(): boolean {
    return this.#over || this.#ending !== undefined;
  }

  /** The same: a stop reason comes behind all blocks. */
  get settled(): boolean {
    return this.finished;
  }

  /** Whether the message has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Takes in one event; throws an ApiError for one that says that the call has failed. */
  add(event: JsonObject): void {
    const error = event.error != null || event.type === 'error' ? errorIn(event) : undefined;
    if (error !== undefined) throw failureInStream(error);
    if (this.#calls.isPending && isBesideCalls(event)) {
      this.#held.push(event);
      return;
    }
    switch (event.type) {
      case 'message_start':
        this.#count(object(event.message).usage);
        this.#given = objects(object(event.message).content);
        this.#served = text(object(event.message).model);
        break;
      case 'content_block_start':
        this.#begin(indexIn(event.index) ?? 0, object(event.content_block));
        break;
      case 'content_block_delta':
        this.#grow(this.#blocks.get(indexIn(event.index) ?? 0) ?? this.#latest, object(event.delta));
        break;
      case 'content_block_stop':
        this.#endBlock(this.#blocks.get(indexIn(event.index) ?? 0));
        break;
      case 'message_delta':
      case 'message_stop':
        for (const part of [event, object(event.delta)]) {
          this.#count(part.usage);
          this.#end(part.stop_reason ?? part.finish_reason);
        }
        if (event.type === 'message_delta') break;
        this.#over = true;
        break;
      case 'message':
        this.#message(event);
        break;
      default:
        this.#other(event);
    }
    if (this.#held.length > 0 && !this.#calls.isPending) this.#release();
  }

  /** Closes the open item, and returns the Finish. Throws an ApiError if the server gave up, or nothing of it was understood. */
  finish(): Finish {
    const ending = this.#ending ?? 'stop';
    const status = ending === 'stop' ? 'completed' : 'incomplete';
    this.#sealThought();
    if (this.#blockCount === 0) for (const block of this.#given) this.#begin(this.#blockCount, block);
    this.#calls.end(status);
    if (this.#held.length > 0 && status === 'incomplete' && this.#calls.broken) this.#writer.close(status);
    this.#release();
    this.#sealThought();
    if (ending === 'failed') throw gaveUp(this.#reason);
    this.#writer.close(status);
    if (ending === 'stop' && this.#unread && this.#writer.isSilent) throw notUnderstood(this.#unread);
    const usage = toUsage(this.#usage);
    return { type: 'finish', reason: ending, usage, tier: toTier(this.#usage), served: this.#served };
  }

  #begin(index: number, block: JsonObject): void {
    const type = text(block.type);
    this.#sealThought();
    if (type !== 'tool_use') this.#calls.flush();
    const begun = { type, number: this.#blockCount++ };
    if (begun.number >= fixedLimits.outputItems) throw endless(`${fixedLimits.outputItems} blocks`);
    this.#blocks.set(index, begun);
    this.#latest = begun;
    if (type === 'text') this.#say(text(block.text));
    else if (type === 'tool_use') {
      // Anthropic streams it from an empty object on; others may give it whole.
      const [id, name] = [text(block.id) || null, text(block.name)];
      this.#calls.add({ key: begun.number, id, name, arguments: argumentsIn(block.input) });
    } else if (type === 'thinking' || type === 'redacted_thinking') {
      this.#writer.close('completed'); // each block is an item of its own, with a seal of its own
      this.#writer.reasoning(text(block.thinking));
      const { thinking, signature } = block;
      if (type === 'thinking') this.#thought = { block: begun, thinking: text(thinking), signature: text(signature) };
      else this.#writer.seal(sealThought({ type, data: text(block.data) }));
    } else if (isSpoken(type)) this.#hear(block);
    else this.#unread ??= shapeOf(block);
  }

  /** Reads a block or a delta of a type of the server's own; one that is not understood is skipped. */
  #hear(part: JsonObject): void {
    try {
      for (const { voice, text } of saidIn(part)) {
        this.#calls.flush();
        this.#writer[voice](text);
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#unread ??= unreadIn(part);
    }
  }

  #grow(block: Block | undefined, delta: JsonObject): void {
    switch (delta.type) {
      case 'text_delta':
        this.#calls.flush();
        this.#say(text(delta.text));
        break;
      case 'input_json_delta':
        if (!block) throw garbled('arguments of no call');
        // The calls of other blocks are run by their server.
        if (block.type !== 'tool_use') return;
        this.#calls.add({ key: block.number, id: null, name: null, arguments: argumentsIn(delta.partial_json) });
        break;
      case 'thinking_delta':
        if (typeof delta.thinking !== 'string') {
          this.#hear(delta);
          break;
        }
        this.#calls.flush();
        if (this.#thought && this.#thought.block === block) this.#thought.thinking += delta.thinking;
        this.#writer.reasoning(delta.thinking);
        break;
      case 'signature_delta':
        if (this.#thought && this.#thought.block === block) {
          this.#thought.signature = text(delta.signature) || this.#thought.signature;
        }
        break;
      default:
        if (delta.partial_json != null) this.#grow(block, { ...delta, type: 'input_json_delta' });
        else if (!block || isSpoken(block.type)) this.#hear(delta);
        else this.#unread ??= unreadIn(delta);
    }
  }

  /** Ends a block; a call is then complete, whatever its arguments are. */
  #endBlock(block: Block | undefined): void {
    if (block?.type !== 'tool_use') return;
    this.#calls.add({ key: block.number, id: null, name: null, arguments: '', ends: true });
  }

  #end(reason: unknown): void {
    const ending = laterEnding(this.#ending, endingOf(reason));
    if (ending !== this.#ending) this.#reason = reason;
    this.#ending = ending;
  }

  /** Reads a message that came as a whole. */
  #message(message: JsonObject): void {
    this.#count(message.usage);
    const blocks =
      typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : objects(message.content);
    for (const block of blocks) this.#begin(this.#blockCount, block);
    this.#end(message.stop_reason);
    this.#over = true;
  }

  #other(event: JsonObject): void {
    if (event.type === undefined && Array.isArray(event.content)) {
      this.#message(event);
      return;
    }
    const error = errorIn(event);
    if (error !== undefined) throw failureInStream(error);
    if (!KNOWN.has(event.type)) this.#unread ??= unreadIn(event);
  }

  /** Takes in what was held. */
  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const event of held) this.add(event);
  }

  /** Seals the open thinking block at its end, since a server may send several signatures. */
  #sealThought(): void {
    const { thinking, signature } = this.#thought ?? {};
    this.#thought = undefined;
    if (thinking !== undefined && signature) this.#writer.seal(sealThought({ type: 'thinking', thinking, signature }));
  }

  #say(delta: string): void {
    if (delta !== '') this.#writer.text(delta);
  }

  /** Merges usage: counts are totals so far, and what is absent or 0 takes nothing back. */
  #count(usage: unknown): void {
    if (!isObject(usage)) return;
    for (const [name, value] of Object.entries(usage)) {
      if (value !== null && (value !== 0 || !this.#usage[name])) this.#usage[name] = value;
    }
  }
}
