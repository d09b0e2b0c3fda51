import type { TurnTokens } from '../../charge.ts';
import type { ResponseEvent } from '../../events/events.ts';
import type { FunctionCall } from '../../items/function.ts';
import type { OutputItem } from '../../items/item.ts';
import type { Response } from '../../protocol/response.ts';
import type { BlockDelta, MessageEnd, MessagesEvent, MessageUsage, SaidBlock, SaidMessage } from './events.ts';
import { signatureOf } from './signature.ts';
import type { ThinkingShown } from './translate.ts';

/** What a reply depends on beside the events of its turn. */
export interface ReplyOptions {
  shown: ThinkingShown;
  /** The stop sequence at which the model was stopped, once it was. */
  stopped(): string | undefined;
  /** The tokens so far: what was counted, and an estimate of the rest. */
  tokens(): TurnTokens | undefined;
  /** Whether the message is read as it is made: it then begins with an estimate of its input. */
  isStream: boolean;
}

type Open = Exclude<SaidBlock['type'], 'redacted_thinking'>;

/**
 * Makes the events of a message from those of a response. An item is a block or more: each text of a message, the thinking of
 * reasoning, a call of a function. Calls that this server has run are not shown, nor are citations.
 */
export class MessageReply {
  readonly #options: ReplyOptions;
  #events: MessagesEvent[] = [];
  #next = 0;
  #open: Open | undefined;
  #hasPinged = false;
  #hasRefused = false;
  #searches = 0;

  constructor(options: ReplyOptions) {
    this.#options = options;
  }

  /** The events that one more event of the response makes. */
  add(event: ResponseEvent): MessagesEvent[] {
    switch (event.type) {
      case 'response.created':
        this.#start(event.response);
        break;
      case 'response.output_item.added':
        if (event.item.type === 'function_call') this.#call(event.item);
        break;
      case 'response.output_text.delta':
        this.#say(event.delta);
        break;
      case 'response.refusal.delta':
        this.#hasRefused = true;
        this.#say(event.delta);
        break;
      case 'response.content_part.done':
        if (this.#open === 'text') this.#close();
        break;
      case 'response.reasoning_text.delta':
      case 'response.reasoning_summary_text.delta':
        this.#think(event.delta);
        break;
      case 'response.reasoning_summary_part.added':
        if (this.#open === 'thinking') this.#think('\n\n');
        break;
      case 'response.function_call_arguments.delta':
        if (this.#open === 'tool_use') this.#grow({ type: 'input_json_delta', partial_json: event.delta });
        break;
      case 'response.output_item.done':
        this.#done(event.item);
        break;
      case 'response.completed':
      case 'response.incomplete':
        this.#end(event.response);
        break;
    }
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #start(response: Response): void {
    const { isStream, tokens } = this.#options;
    this.#events.push({
      type: 'message_start',
      message: messageOf(response, usageOf(isStream ? tokens() : undefined)),
    });
  }

  #call({ call_id: id, name }: FunctionCall): void {
    this.#begin({ type: 'tool_use', id, name, input: {}, caller: { type: 'direct' } });
  }

  #say(text: string): void {
    if (text === '') return;
    if (this.#open !== 'text') this.#begin({ type: 'text', text: '', citations: null });
    this.#grow({ type: 'text_delta', text });
  }

  #think(thinking: string): void {
    if (this.#options.shown !== 'words' || thinking === '') return;
    if (this.#open !== 'thinking') this.#begin({ type: 'thinking', thinking: '', signature: '' });
    this.#grow({ type: 'thinking_delta', thinking });
  }

  #done(item: OutputItem): void {
    if (item.type === 'web_search_call' && item.action?.type === 'search') this.#searches++;
    if (item.type === 'reasoning') this.#sign(item.encrypted_content);
    else this.#close();
  }

  /** Ends thinking with its signature. What has no words is `redacted_thinking`, unless it is the client who wants none. */
  #sign(sealed: string | null | undefined): void {
    const { shown } = this.#options;
    if (sealed && shown !== 'nothing') {
      const signature = signatureOf(sealed);
      if (this.#open !== 'thinking' && shown === 'words') this.#begin({ type: 'redacted_thinking', data: signature });
      else {
        if (this.#open !== 'thinking') this.#begin({ type: 'thinking', thinking: '', signature: '' });
        this.#grow({ type: 'signature_delta', signature });
      }
    }
    this.#close();
  }

  #begin(content_block: SaidBlock): void {
    this.#close();
    const index = this.#next++;
    this.#events.push({ type: 'content_block_start', index, content_block });
    if (content_block.type === 'redacted_thinking') this.#events.push({ type: 'content_block_stop', index });
    else this.#open = content_block.type;
    if (!this.#hasPinged) this.#events.push({ type: 'ping' });
    this.#hasPinged = true;
  }

  #grow(delta: BlockDelta): void {
    this.#events.push({ type: 'content_block_delta', index: this.#next - 1, delta });
  }

  #close(): void {
    if (this.#open) this.#events.push({ type: 'content_block_stop', index: this.#next - 1 });
    this.#open = undefined;
  }

  #end(response: Response): void {
    this.#close();
    const delta = this.#endOf(response);
    this.#events.push(
      { type: 'message_delta', delta, usage: usageOf(this.#options.tokens(), this.#searches) },
      { type: 'message_stop' },
    );
  }

  #endOf({ incomplete_details, output }: Response): MessageEnd {
    const stop_sequence = this.#options.stopped() ?? null;
    const refused = { type: 'refusal', category: null, explanation: null } as const;
    const end = (stop_reason: MessageEnd['stop_reason']): MessageEnd => ({
      stop_reason,
      stop_sequence: stop_reason === 'stop_sequence' ? stop_sequence : null,
      stop_details: stop_reason === 'refusal' ? refused : null,
      container: null,
    });
    switch (incomplete_details?.reason) {
      case 'max_output_tokens':
      case 'max_messages': // cut as well: a paused turn would be gone on with as it stands, which no model does here
        return end('max_tokens');
      case 'content_filter':
        return end('refusal');
    }
    if (stop_sequence !== null) return end('stop_sequence');
    if (output.some(({ type }) => type === 'function_call')) return end('tool_use');
    return end(this.#hasRefused ? 'refusal' : 'end_turn');
  }
}

/** A message as it begins. */
function messageOf({ id, model, service_tier }: Response, usage: MessageUsage): SaidMessage {
  return {
    id: id.replace(/^resp_/, 'msg_'),
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    usage: {
      ...usage,
      cache_creation: null,
      inference_geo: null,
      service_tier: service_tier === 'priority' ? 'priority' : 'standard',
      speed: null,
    },
    diagnostics: null,
  };
}

function usageOf(tokens: TurnTokens | undefined, searches = 0): MessageUsage {
  const { input = 0, cached = 0, cacheWrite = 0, output = 0, reasoning = 0 } = tokens ?? {};
  return {
    // A server may count what it had cached beside what it read.
    input_tokens: Math.max(0, input - cached - cacheWrite),
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cached,
    output_tokens: output,
    output_tokens_details: reasoning > 0 ? { thinking_tokens: reasoning } : null,
    server_tool_use: searches > 0 ? { web_search_requests: searches, web_fetch_requests: 0 } : null,
  };
}
