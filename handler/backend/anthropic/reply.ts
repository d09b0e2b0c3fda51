import { endless } from '../../errors.ts';
import type { ItemEvent } from '../../events/events.ts';
import { ItemWriter } from '../../events/item-writer.ts';
import { fixedLimits } from '../../limits.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { sumTokens, type Usage } from '../../protocol/response.ts';
import type { Finish, ModelCall } from '../backend.ts';
import { CallQueue } from '../functions/call-queue.ts';
import type { ModelFunction } from '../functions/tools.ts';
import { failureInStream } from '../server/failure.ts';
import { count, object, text } from '../server/json-fields.ts';
import type { Reply } from '../server/reply-stream.ts';
import { sealThought } from './sealed-thought.ts';

/** Stop reasons of an incomplete answer. Any other, known or not, is a normal stop. */
const REASONS = new Map<string | undefined, Finish['reason']>([
  ['max_tokens', 'max_output_tokens'],
  ['model_context_window_exceeded', 'max_output_tokens'],
  ['refusal', 'content_filter'],
]);

/** Its tiers, as the API names them. */
const TIERS = new Map<string, Finish['tier']>([
  ['standard', 'default'],
  ['priority', 'priority'],
]);

/** Marks, in place of its type, a block that was complete at its start. */
const WHOLE = 'whole';

/**
 * Reads the events of a streamed message, and writes an item for each block. A new block ends the one before:
 * llama.cpp (b11549) ends all blocks only at the end. Unknown blocks and events are skipped, as the API requires.
 */
export class MessagesReply implements Reply {
  readonly #writer: ItemWriter;
  readonly #calls: CallQueue;
  /** The types of the blocks so far, by their indexes. */
  readonly #blocks = new Map<number, string>();
  /** The open thinking block. */
  #thought: { index: number; thinking: string; signature: string } | undefined;
  #usage: JsonObject = {};
  #over = false;
  #reason: string | undefined;

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
    return this.#over || this.#reason !== undefined;
  }

  /** Whether the message has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Takes in one event; throws an ApiError for one that says that the call has failed. */
  add(event: JsonObject): void {
    if (event.error != null) throw failureInStream(event.error);
    const index = count(event.index);
    switch (event.type) {
      case 'message_start':
        this.#count(object(event.message).usage);
        break;
      case 'content_block_start':
        this.#begin(index, object(event.content_block));
        break;
      case 'content_block_delta':
        this.#grow(index, object(event.delta));
        break;
      case 'message_delta':
        this.#count(event.usage);
        this.#reason = text(object(event.delta).stop_reason) || this.#reason;
        break;
      case 'message_stop':
        this.#over = true;
        break;
    }
  }

  /** Closes the open item, and returns the Finish. */
  finish(): Finish {
    const reason = REASONS.get(this.#reason) ?? 'stop';
    this.#sealThought();
    this.#calls.flush(reason === 'stop' ? 'completed' : 'incomplete');
    this.#writer.close(reason === 'stop' ? 'completed' : 'incomplete');
    const tier = TIERS.get(text(this.#usage.service_tier));
    return { type: 'finish', reason, usage: toUsage(this.#usage), tier };
  }

  #begin(index: number, block: JsonObject): void {
    const type = text(block.type);
    this.#sealThought();
    this.#calls.flush();
    this.#blocks.set(index, type);
    if (this.#blocks.size > fixedLimits.outputItems) throw endless(`${fixedLimits.outputItems} blocks`);
    if (type === 'text') this.#say(text(block.text));
    else if (type === 'tool_use') {
      // Anthropic streams it from an empty object on; others may give it whole.
      const whole = Object.keys(object(block.input)).length > 0;
      if (whole) this.#blocks.set(index, WHOLE);
      const args = whole ? JSON.stringify(block.input) : '';
      this.#calls.add({ index, id: text(block.id) || null, name: text(block.name), arguments: args });
    } else if (type === 'thinking' || type === 'redacted_thinking') {
      this.#writer.close('completed'); // each block is an item of its own, with a seal of its own
      this.#writer.reasoning('');
      if (type === 'thinking') this.#thought = { index, thinking: '', signature: '' };
      else this.#writer.seal(sealThought({ type, data: text(block.data) }));
    }
  }

  #grow(index: number, delta: JsonObject): void {
    const type = this.#blocks.get(index);
    const thought = this.#thought?.index === index ? this.#thought : undefined;
    if (delta.type === 'text_delta') this.#say(text(delta.text));
    else if (delta.type === 'input_json_delta' && type === 'tool_use') {
      this.#calls.add({ index, id: null, name: null, arguments: text(delta.partial_json) });
    } else if (delta.type === 'thinking_delta' && thought) {
      thought.thinking += text(delta.thinking);
      this.#writer.reasoning(text(delta.thinking));
    } else if (delta.type === 'signature_delta' && thought) {
      thought.signature = text(delta.signature) || thought.signature;
    }
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

  /** Merges usage: counts are totals so far, and absent ones keep their value. */
  #count(usage: unknown): void {
    if (!isObject(usage)) return;
    for (const [name, value] of Object.entries(usage)) if (value !== null) this.#usage[name] = value;
  }
}

/** Usage as the Responses API has it: here input tokens exclude cache reads and writes. */
function toUsage(usage: JsonObject): Usage | null {
  if (Object.keys(usage).length === 0) return null;
  const cached_tokens = count(usage.cache_read_input_tokens);
  const cache_write_tokens = count(usage.cache_creation_input_tokens);
  const input_tokens = sumTokens(count(usage.input_tokens), cached_tokens, cache_write_tokens);
  const output_tokens = count(usage.output_tokens);
  return {
    input_tokens,
    input_tokens_details: { cached_tokens, cache_write_tokens },
    output_tokens,
    output_tokens_details: { reasoning_tokens: count(object(usage.output_tokens_details).thinking_tokens) },
    total_tokens: sumTokens(input_tokens, output_tokens),
  };
}
