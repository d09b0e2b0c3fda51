import type { ItemEvent } from '../../events/events.ts';
import { ItemWriter } from '../../events/item-writer.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Usage } from '../../protocol/response.ts';
import type { Finish, ModelCall } from '../backend.ts';
import { CallQueue } from '../functions/call-queue.ts';
import type { ModelFunction } from '../functions/tools.ts';
import { failureInStream } from '../server/failure.ts';
import { object, objects, text, toAnnotations, toLogprobs, usageReader } from '../server/json-fields.ts';
import type { Reply } from '../server/reply-stream.ts';
import { toTier } from '../server/tier.ts';
import { OpaqueState } from './opaque-state.ts';

const usageOf = usageReader('prompt', 'completion');

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
  #reason: string | undefined;
  #tier: Finish['tier'];

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

  /** Whether the finish reason came. */
  get finished(): boolean {
    return this.#reason !== undefined;
  }

  /** Takes in one chunk; after the finish reason only usage is read. Throws an ApiError for an error chunk. */
  add(chunk: JsonObject): void {
    if (chunk.error != null) throw failureInStream(chunk.error);
    this.#usage = usageOf(chunk.usage) ?? this.#usage;
    const [choice] = objects(chunk.choices);
    if (!choice || this.finished) return;
    const delta = object(choice.delta);
    this.#state.before(delta, this.#writer);
    this.#delta(delta, choice.logprobs);
    this.#reason = text(choice.finish_reason) || undefined;
    if (this.#reason) this.#tier = toTier(chunk.service_tier);
  }

  /** Takes in `[DONE]`, with which some servers say that the model stopped, and nothing else. */
  done(): void {
    this.#reason ??= 'stop';
  }

  /** Closes the open item, and returns the Finish. */
  finish(): Finish {
    const reason = this.#finishReason();
    this.#calls.flush(reason === 'stop' ? 'completed' : 'incomplete');
    this.#state.end(this.#writer, reason === 'stop' ? 'completed' : 'incomplete');
    return { type: 'finish', reason, usage: this.#usage, tier: this.#tier };
  }

  #delta(delta: JsonObject, logprobs: unknown): void {
    // `reasoning_content`: llama.cpp, DeepSeek, SGLang, older vLLM. `reasoning`: Ollama, newer vLLM, OpenRouter.
    const reasoning = text(delta.reasoning_content) || text(delta.reasoning);
    const content = text(delta.content);
    const refusal = text(delta.refusal);
    if (reasoning || content || refusal) this.#calls.flush();
    if (reasoning) {
      this.#onReasoning?.(delta.reasoning_content ? 'reasoning_content' : 'reasoning');
      this.#onReasoning = undefined;
      this.#writer.reasoning(reasoning);
    }
    if (content) this.#writer.text(content, this.#logprobs ? toLogprobs(object(logprobs).content) : []);
    if (delta.annotations) {
      const flat = objects(delta.annotations).map(({ type, ...rest }) => ({ type, ...object(rest[text(type)]) }));
      for (const annotation of toAnnotations(flat)) this.#writer.cite(annotation);
    }
    if (refusal) this.#writer.refusal(refusal);
    for (const call of objects(delta.tool_calls)) {
      const fn = object(call.function);
      const index = typeof call.index === 'number' ? call.index : null;
      this.#calls.add({ index, id: text(call.id) || null, name: text(fn.name), arguments: text(fn.arguments) });
    }
  }

  #finishReason(): Finish['reason'] {
    if (this.#reason === 'length') return 'max_output_tokens';
    if (this.#reason === 'content_filter') return 'content_filter';
    const maxTokens = this.#maxOutputTokens;
    const usedUp = maxTokens !== null && (this.#usage?.output_tokens ?? 0) >= maxTokens;
    return usedUp && this.#calls.broken ? 'max_output_tokens' : 'stop';
  }
}
