import type { TurnTokens } from '../../charge.ts';
import type { ApiError, ErrorStyle } from '../../errors.ts';
import type { ResponseEvent } from '../../events/events.ts';
import type { Response } from '../../protocol/response.ts';

/** Tokens of a chat completion. */
export interface ChatUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  prompt_tokens_details: { cached_tokens: number; audio_tokens: number };
  completion_tokens_details: { reasoning_tokens: number; audio_tokens: number };
}

/** Why a chat completion ended. */
export type ChatFinish = 'stop' | 'length' | 'tool_calls' | 'content_filter';

/** A call, or a piece of one. */
interface CallDelta {
  index: number;
  id?: string;
  type?: 'function';
  function: { name?: string; arguments: string };
}

/** What a chunk adds to the message. */
export interface ChatDelta {
  role?: 'assistant';
  content?: string | null;
  refusal?: string | null;
  reasoning_content?: string;
  tool_calls?: CallDelta[];
}

/** A chunk of a chat completion. */
export interface ChatChunk {
  type: 'chunk';
  id: string;
  created: number;
  model: string;
  service_tier: Response['service_tier'];
  choices: { index: 0; delta: ChatDelta; logprobs: null; finish_reason: ChatFinish | null }[];
  usage?: ChatUsage | null;
}

/** An error in the middle of a stream. */
export interface ChatError {
  type: 'error';
  error: object;
}

/** Makes chunks of the events of a response; `usage` is told at the end if the client asked, and a whole reply has it always. */
export class ChatChunks {
  readonly #tokens: () => TurnTokens | undefined;
  readonly #tellsUsage: boolean;
  #begun: Pick<ChatChunk, 'type' | 'id' | 'created' | 'model' | 'service_tier'> | undefined;
  /** Calls so far, by the place of their items. */
  readonly #calls = new Map<number, number>();

  constructor(tokens: () => TurnTokens | undefined, tellsUsage: boolean) {
    this.#tokens = tokens;
    this.#tellsUsage = tellsUsage;
  }

  /** The chunks that one more event makes. */
  add(event: ResponseEvent): ChatChunk[] {
    switch (event.type) {
      case 'response.created':
        this.#begun = headOf(event.response);
        return this.#chunk({ role: 'assistant', content: '', refusal: null });
      case 'response.output_text.delta':
        return this.#chunk({ content: event.delta });
      case 'response.refusal.delta':
        return this.#chunk({ refusal: event.delta });
      case 'response.reasoning_text.delta':
      case 'response.reasoning_summary_text.delta':
        return this.#chunk({ reasoning_content: event.delta });
      case 'response.output_item.added': {
        const { item, output_index } = event;
        if (item.type !== 'function_call') return [];
        const index = this.#calls.size;
        this.#calls.set(output_index, index);
        const call = { index, id: item.call_id, type: 'function' as const };
        return this.#chunk({ tool_calls: [{ ...call, function: { name: item.name, arguments: '' } }] });
      }
      case 'response.function_call_arguments.delta': {
        const index = this.#calls.get(event.output_index);
        if (index === undefined) return [];
        return this.#chunk({ tool_calls: [{ index, function: { arguments: event.delta } }] });
      }
      case 'response.completed':
      case 'response.incomplete':
        return [...this.#chunk({}, this.#finishOf(event.response)), ...this.#usage()];
      default:
        return [];
    }
  }

  #finishOf({ incomplete_details }: Response): ChatFinish {
    const reason = incomplete_details?.reason;
    if (reason) return reason === 'content_filter' ? reason : 'length';
    return this.#calls.size > 0 ? 'tool_calls' : 'stop';
  }

  #chunk(delta: ChatDelta, finish_reason: ChatFinish | null = null): ChatChunk[] {
    if (!this.#begun) return [];
    const choices = [{ index: 0 as const, delta, logprobs: null, finish_reason }];
    return [{ ...this.#begun, choices, ...(this.#tellsUsage && { usage: null }) }];
  }

  #usage(): ChatChunk[] {
    if (!this.#begun || !this.#tellsUsage) return [];
    return [{ ...this.#begun, choices: [], usage: usageOf(this.#tokens()) }];
  }
}

/** Collects chunks to a whole chat completion. */
export class ChatFold {
  #head: Omit<ChatChunk, 'type' | 'choices' | 'usage'> | undefined;
  #content: string | null = null;
  #refusal: string | null = null;
  #reasoning = '';
  readonly #calls: { id: string; type: 'function'; function: { name: string; arguments: string } }[] = [];
  #finish: ChatFinish | null = null;
  #usage: ChatUsage | null | undefined;

  /** Takes in one more. */
  add({ type: _, choices, usage, ...head }: ChatChunk): void {
    this.#head = head;
    if (usage) this.#usage = usage;
    for (const { delta, finish_reason } of choices) {
      this.#finish ??= finish_reason;
      if (delta.content) this.#content = (this.#content ?? '') + delta.content;
      if (delta.refusal) this.#refusal = (this.#refusal ?? '') + delta.refusal;
      if (delta.reasoning_content) this.#reasoning += delta.reasoning_content;
      for (const { index, id, function: fn } of delta.tool_calls ?? []) {
        const call = this.#calls[index];
        if (call) call.function.arguments += fn.arguments;
        else
          this.#calls.push({
            id: id ?? '',
            type: 'function',
            function: { name: fn.name ?? '', arguments: fn.arguments },
          });
      }
    }
  }

  /** The completion. */
  get whole(): object {
    const message = {
      role: 'assistant',
      content: this.#content,
      refusal: this.#refusal,
      annotations: [],
      ...(this.#reasoning !== '' && { reasoning_content: this.#reasoning }),
      ...(this.#calls.length > 0 && { tool_calls: this.#calls }),
    };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: this.#finish }];
    return { object: 'chat.completion', ...this.#head, choices, usage: this.#usage };
  }
}

/** The chunks of a response's events; a turn that fails ends with an error. Returns what made it fail. */
export async function* chatChunks(
  events: AsyncGenerator<ResponseEvent, ApiError | undefined>,
  chunks: ChatChunks,
  { inItsTerms, errors }: { inItsTerms(error: ApiError): ApiError; errors: ErrorStyle },
): AsyncGenerator<ChatChunk | ChatError, ApiError | undefined> {
  for (;;) {
    const next = await events.next();
    if (!next.done) {
      for (const chunk of chunks.add(next.value)) yield chunk;
      continue;
    }
    const failure = next.value && inItsTerms(next.value);
    if (failure) yield { type: 'error', error: failure.reply(errors).body.error };
    return failure;
  }
}

/** A chunk as its stream has it: without a name. */
export function chunkText({ type, ...members }: ChatChunk | ChatError): string {
  return `data: ${JSON.stringify(type === 'chunk' ? { object: 'chat.completion.chunk', ...members } : members)}\n\n`;
}

function headOf({ id, created_at: created, model, service_tier }: Response) {
  return { type: 'chunk' as const, id: id.replace(/^resp_/, 'chatcmpl-'), created, model, service_tier };
}

function usageOf(tokens: TurnTokens | undefined): ChatUsage {
  const { input = 0, cached = 0, output = 0, reasoning = 0, total = 0 } = tokens ?? {};
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: total,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0 },
  };
}
