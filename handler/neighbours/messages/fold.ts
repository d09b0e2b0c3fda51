import { parseObject } from '../../parse-json.ts';
import type { MessagesEvent, SaidBlock, SaidMessage } from './events.ts';

/** Collects the events of a stream to the message that they make. */
export class MessageFold {
  #message: SaidMessage | undefined;
  /** The arguments of the open call. */
  #json = '';

  /** Takes in one more event. */
  add(event: MessagesEvent): void {
    if (event.type === 'message_start') this.#message = event.message;
    const message = this.#message;
    if (!message) return;
    if (event.type === 'content_block_start') message.content.push({ ...event.content_block });
    else if (event.type === 'content_block_delta') this.#grow(message.content[event.index], event.delta);
    else if (event.type === 'content_block_stop') this.#end(message.content[event.index]);
    else if (event.type === 'message_delta') {
      Object.assign(message, event.delta);
      Object.assign(message.usage, event.usage);
    }
  }

  /** The message so far; undefined before it began. */
  get message(): SaidMessage | undefined {
    return this.#message;
  }

  #grow(block: SaidBlock | undefined, delta: Extract<MessagesEvent, { type: 'content_block_delta' }>['delta']): void {
    if (delta.type === 'input_json_delta') this.#json += delta.partial_json;
    else if (block?.type === 'text' && delta.type === 'text_delta') block.text += delta.text;
    else if (block?.type === 'thinking' && delta.type === 'thinking_delta') block.thinking += delta.thinking;
    else if (block?.type === 'thinking' && delta.type === 'signature_delta') block.signature = delta.signature;
  }

  /** Arguments that are no object are shown as Anthropic asks clients to send such back. */
  #end(block: SaidBlock | undefined): void {
    if (block?.type === 'tool_use' && this.#json.trim() !== '') {
      block.input = parseObject(this.#json) ?? { INVALID_JSON: this.#json };
    }
    this.#json = '';
  }
}
