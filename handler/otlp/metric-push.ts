import {
  AggregationTemporality,
  type AggregationTemporalitySelector,
  InstrumentType,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { wrong } from './settings.ts';
import { textOf, type Variables } from './variables.ts';

/** Sends metrics; rejects if they were not taken. */
export type SendMetrics = (metrics: ResourceMetrics) => Promise<void>;

/** What is told since the last time, and not since the start, by the words of the variable. */
const DELTAS: Readonly<Record<string, readonly InstrumentType[]>> = {
  cumulative: [],
  lowmemory: [InstrumentType.COUNTER, InstrumentType.HISTOGRAM],
  delta: [
    ...[InstrumentType.COUNTER, InstrumentType.HISTOGRAM, InstrumentType.GAUGE],
    ...[InstrumentType.OBSERVABLE_COUNTER, InstrumentType.OBSERVABLE_GAUGE],
  ],
};

/** The metrics of a process that ends with its requests: nothing is sent before it is asked for. */
export class MetricPush extends MetricReader {
  readonly #send: SendMetrics;
  readonly #interval: number;
  /** When metrics were last sent, and when whoever waits to send them does. */
  #sent = Number.NEGATIVE_INFINITY;
  #next = Number.NEGATIVE_INFINITY;

  /** `interval` is in milliseconds; throws an Error that names a wrong variable. */
  constructor(send: SendMetrics, interval: number, variables: Variables) {
    super({ aggregationTemporalitySelector: temporalityOf(variables) });
    this.#send = send;
    this.#interval = interval;
  }

  /**
   * Sends metrics once the interval since the last time is over, unless somebody waits for that already. A wait that is cut short
   * delays nothing: whoever comes after its end does not wait.
   */
  async flushInTurn(): Promise<void> {
    const now = Date.now();
    if (now < this.#next) return;
    this.#next = Math.max(now, this.#sent + this.#interval);
    if (this.#next > now) await new Promise((resolve) => setTimeout(resolve, this.#next - now));
    await this.flush();
  }

  /** Sends metrics at once; rejects if they were not taken. */
  async flush(): Promise<void> {
    this.#sent = Date.now();
    const { resourceMetrics } = await this.collect();
    await this.#send(resourceMetrics);
  }

  protected async onForceFlush(): Promise<void> {}

  protected async onShutdown(): Promise<void> {}
}

function temporalityOf(variables: Variables): AggregationTemporalitySelector {
  const name = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE';
  const word = textOf(variables, name)?.toLowerCase() ?? 'cumulative';
  const deltas = Object.hasOwn(DELTAS, word) ? DELTAS[word] : undefined;
  if (!deltas) throw wrong(name, word, Object.keys(DELTAS));
  return (type) => (deltas.includes(type) ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE);
}
