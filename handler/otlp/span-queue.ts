import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

/** Sends spans; rejects if they were not taken. */
export type SendSpans = (spans: ReadableSpan[]) => Promise<void>;

/** How much a SpanQueue holds and sends. */
export interface SpanQueueOptions {
  /** Spans that wait or are on their way; what comes beyond is dropped. */
  max: number;
  /** Spans of one request. */
  batch: number;
  /** Milliseconds after which a request has failed. */
  timeout: number;
}

/**
 * The spans of a process that ends with its requests: nothing is sent before `flush`. A request that was cut short with the one
 * that waited for it counts until its timeout, since nobody hears of its end.
 */
export class SpanQueue implements SpanProcessor {
  readonly #send: SendSpans;
  readonly #options: SpanQueueOptions;
  readonly #sending = new Set<{ spans: number; until: number }>();
  #waiting: ReadableSpan[] = [];
  #dropped = 0;

  constructor(send: SendSpans, options: SpanQueueOptions) {
    this.#send = send;
    this.#options = options;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#waiting.length + this.#onTheWay() < this.#options.max) this.#waiting.push(span);
    else this.#dropped++;
  }

  /** Sends what waits; rejects if a part of it was not taken, or was dropped before. */
  async flush(): Promise<void> {
    const { batch, timeout } = this.#options;
    const dropped = this.#dropped;
    this.#dropped = 0;
    const batches: Promise<void>[] = [];
    while (this.#waiting.length > 0) {
      const spans = this.#waiting.splice(0, batch);
      const entry = { spans: spans.length, until: Date.now() + timeout };
      this.#sending.add(entry);
      batches.push(this.#send(spans).finally(() => this.#sending.delete(entry)));
    }
    await Promise.all(batches);
    if (dropped > 0) throw new Error(`${dropped} spans were dropped, since too many were on their way`);
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}

  #onTheWay(): number {
    const now = Date.now();
    let sum = 0;
    for (const entry of this.#sending) {
      if (entry.until < now) this.#sending.delete(entry);
      else sum += entry.spans;
    }
    return sum;
  }
}
