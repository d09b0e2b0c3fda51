import { type Attributes, SpanKind } from '@opentelemetry/api';
import type { BackendEvent, CallOptions, Finish, ModelCall, Prepare } from '../backend/backend.ts';
import type { Item } from '../items/item.ts';
import { instructionsOf, messagesOf, toolsOf } from './content.ts';
import { type CallTelemetry, measureCall, serverOf, usageAttributes } from './measured-call.ts';
import { genAI, stable } from './names.ts';
import { errorType, failSpan, headersOf, startSpan } from './spans.ts';

/** What tells of calls of models. */
export interface ModelCallOptions extends CallTelemetry {
  content: boolean;
}

const OPERATION = 'chat';

/** Calls of a model, each of which is a span and measured. */
export function withCallSpans(prepare: Prepare, options: ModelCallOptions): Prepare {
  return (call) => {
    const prepared = prepare(call);
    return {
      ...prepared,
      stream: (signal, callOptions) => ({
        [Symbol.asyncIterator]: () =>
          new MeasuredCall(call, options, signal).iterate((trace) =>
            prepared.stream(signal, { ...callOptions, ...trace }),
          ),
      }),
    };
  };
}

/** One call of a model, from its first pull to its end. */
class MeasuredCall {
  readonly #call: ModelCall;
  readonly #options: ModelCallOptions;
  readonly #signal: AbortSignal;
  readonly #begun = performance.now();
  #first: number | undefined;
  #finish: Finish | undefined;
  #output: Item[] = [];

  constructor(call: ModelCall, options: ModelCallOptions, signal: AbortSignal) {
    this.#call = call;
    this.#options = options;
    this.#signal = signal;
  }

  /** The events of the call. By hand, since a generator costs each delta two more turns of the queue. */
  iterate(open: (trace: Pick<CallOptions, 'trace'>) => AsyncIterable<BackendEvent>): AsyncIterator<BackendEvent> {
    const { tracer, parent, content } = this.#options;
    const { model } = this.#call;
    const start = { kind: SpanKind.CLIENT, attributes: tracer ? this.#attributes() : {} };
    const span = tracer && startSpan(tracer, `${OPERATION} ${model}`, start, parent).span;
    const collects = content && span?.isRecording() === true;
    if (collects) span.setAttributes(this.#content());
    const events = open(span ? { trace: headersOf(span) } : {})[Symbol.asyncIterator]();
    let isOpen = true;
    const end = (failure?: unknown) => {
      if (!isOpen) return;
      isOpen = false;
      const error = failure === undefined ? (this.#finish ? undefined : 'cancelled') : this.#errorOf(failure);
      if (span?.isRecording()) {
        span.setAttributes(this.#results(collects));
        if (error === 'cancelled') span.setAttribute(stable.errorType, error);
        else if (failure !== undefined) failSpan(span, failure);
      }
      span?.end();
      this.#measure(error);
    };
    return {
      next: async () => {
        try {
          const next = await events.next();
          if (next.done) {
            end(this.#finish ? undefined : new Error('the stream ended before its answer'));
            return next;
          }
          const event = next.value;
          if (event.type === 'finish') this.#finish = event;
          else {
            if (this.#first === undefined && event.type !== 'keep_alive') this.#first = performance.now();
            if (collects && event.type === 'response.output_item.done') this.#output.push(event.item);
          }
          return next;
        } catch (error) {
          end(error);
          throw error;
        }
      },
      return: async () => {
        end();
        await events.return?.();
        return { done: true, value: undefined };
      },
    };
  }

  /** A call whose turn was given up has not failed. */
  #errorOf(failure: unknown): string {
    return this.#signal.aborted ? 'cancelled' : errorType(failure);
  }

  #attributes(): Attributes {
    const { target } = this.#options;
    const { model, temperature, top_p, max_output_tokens, text, reasoning } = this.#call;
    return {
      [genAI.operation]: OPERATION,
      [genAI.provider]: target.provider,
      [genAI.requestModel]: model,
      [genAI.stream]: true,
      [genAI.outputType]: text.format.type === 'text' ? 'text' : 'json',
      ...serverOf(target),
      ...(temperature !== null && { [genAI.temperature]: temperature }),
      ...(top_p !== null && { [genAI.topP]: top_p }),
      ...(max_output_tokens !== null && { [genAI.maxTokens]: max_output_tokens }),
      ...(reasoning.effort !== null && { [genAI.reasoningLevel]: reasoning.effort }),
    };
  }

  /** What is said to the model; gathered only for a span that is kept, since it takes as long as the input is. */
  #content(): Attributes {
    const { instructions, input, tools } = this.#call;
    return {
      [genAI.inputMessages]: messagesOf(input),
      ...(instructions !== null && { [genAI.instructions]: instructionsOf(instructions) }),
      ...(tools.length > 0 && { [genAI.toolDefinitions]: toolsOf(tools) }),
    };
  }

  #results(withContent: boolean): Attributes {
    const usage = this.#finish?.usage;
    return {
      ...(this.#first !== undefined && { [genAI.timeToFirstChunk]: (this.#first - this.#begun) / 1000 }),
      ...(this.#finish && { [genAI.finishReasons]: [finishReason(this.#finish)] }),
      ...(usage && usageAttributes(usage)),
      ...(withContent && { [genAI.outputMessages]: messagesOf(this.#output) }),
    };
  }

  #measure(error: string | undefined): void {
    const { model } = this.#call;
    const [begun, first, usage] = [this.#begun, this.#first, this.#finish?.usage];
    measureCall({ operation: OPERATION, model, begun, first, usage, error }, this.#options);
  }
}

function finishReason({ reason }: Finish): string {
  return reason === 'max_output_tokens' ? 'length' : reason;
}
