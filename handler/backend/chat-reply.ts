import type { Logprob } from '../protocol/content.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { Usage } from '../protocol/response.ts';
import type { Finish, ModelCall } from './backend.ts';
import { CallQueue } from './call-queue.ts';
import type { ChatTool } from './chat-tools.ts';
import { Writer } from './writer.ts';

/**
 * Reads the chunks of one streamed chat completion and writes the items that they make. Members are read one by one,
 * not by a schema: that would cost more per token than all the rest, and servers leave out, null and add at will.
 */
export class ChatReply {
  readonly writer = new Writer();
  readonly #calls: CallQueue;
  readonly #maxOutputTokens: number | null;
  readonly #logprobs: boolean;
  #usage: Usage | null = null;
  #reason: string | undefined;

  constructor(
    terms: Pick<ModelCall, 'parallel_tool_calls' | 'max_output_tokens' | 'top_logprobs'>,
    tools: ReadonlyMap<string, ChatTool>,
  ) {
    this.#calls = new CallQueue(this.writer, tools, terms.parallel_tool_calls ? Number.POSITIVE_INFINITY : 1);
    this.#maxOutputTokens = terms.max_output_tokens;
    this.#logprobs = terms.top_logprobs !== null;
  }

  /** Whether the model has said why it stopped. */
  get finished(): boolean {
    return this.#reason !== undefined;
  }

  /** Takes in one chunk; what follows the finish reason can only be usage. */
  add(chunk: JsonObject): void {
    if (isObject(chunk.usage)) this.#usage = toUsage(chunk.usage);
    const choice = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined;
    if (!isObject(choice) || this.finished) return;
    const { delta } = choice;
    if (isObject(delta)) this.#delta(delta, choice.logprobs);
    if (typeof choice.finish_reason === 'string' && choice.finish_reason !== '') this.#reason = choice.finish_reason;
  }

  /** Closes what is open and says how the call ended. */
  finish(): Finish {
    const reason = this.#finishReason();
    this.#calls.flush(reason === 'stop' ? 'completed' : 'incomplete');
    this.writer.close(reason === 'stop' ? 'completed' : 'incomplete');
    return { type: 'finish', reason, usage: this.#usage };
  }

  #delta(delta: JsonObject, logprobs: unknown): void {
    // `reasoning_content`: llama.cpp, DeepSeek, SGLang, older vLLM. `reasoning`: Ollama, newer vLLM, OpenRouter.
    const reasoning = text(delta.reasoning_content) || text(delta.reasoning);
    const said = text(delta.content);
    const refusal = text(delta.refusal);
    if (reasoning || said || refusal) this.#calls.flush();
    if (reasoning) this.writer.reasoning(reasoning);
    if (said) this.writer.text(said, this.#logprobs ? toLogprobs(logprobs) : []);
    if (refusal) this.writer.refusal(refusal);
    if (!Array.isArray(delta.tool_calls)) return;
    for (const call of delta.tool_calls) {
      if (!isObject(call)) continue;
      const fn = isObject(call.function) ? call.function : {};
      const index = typeof call.index === 'number' ? call.index : null;
      this.#calls.add({ index, id: text(call.id) || null, name: text(fn.name), arguments: text(fn.arguments) });
    }
  }

  #finishReason(): Finish['reason'] {
    if (this.#reason === 'length') return 'max_output_tokens';
    if (this.#reason === 'content_filter') return 'content_filter';
    const most = this.#maxOutputTokens;
    const spent = most !== null && (this.#usage?.output_tokens ?? 0) >= most;
    return spent && this.#calls.broken ? 'max_output_tokens' : 'stop';
  }
}

/** `logprobs` of a chunk; some servers send them unasked. */
function toLogprobs(logprobs: unknown): Logprob[] {
  if (!isObject(logprobs) || !Array.isArray(logprobs.content)) return [];
  return logprobs.content.filter(isObject).map((token) => ({
    ...toLogprob(token),
    top_logprobs: Array.isArray(token.top_logprobs) ? token.top_logprobs.filter(isObject).map(toLogprob) : [],
  }));
}

function toLogprob({ token, logprob, bytes }: JsonObject) {
  const known = text(token);
  const given = Array.isArray(bytes) ? bytes.filter((byte) => typeof byte === 'number') : undefined;
  return {
    token: known,
    logprob: typeof logprob === 'number' ? logprob : 0,
    bytes: given ?? [...new TextEncoder().encode(known)],
  };
}

function toUsage(usage: JsonObject): Usage {
  const input = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  const output = isObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {};
  const input_tokens = count(usage.prompt_tokens);
  const output_tokens = count(usage.completion_tokens);
  return {
    input_tokens,
    input_tokens_details: {
      cached_tokens: count(input.cached_tokens),
      cache_write_tokens: count(input.cache_write_tokens),
    },
    output_tokens,
    output_tokens_details: { reasoning_tokens: count(output.reasoning_tokens) },
    total_tokens: input_tokens + output_tokens,
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function count(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}
