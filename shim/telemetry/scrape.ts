import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MetricReader } from '@opentelemetry/sdk-metrics';

/** A reader of metrics for Prometheus, which comes and asks. */
export class ScrapeReader extends MetricReader {
  /** No scope on each series: there is one. */
  readonly #serializer = new PrometheusSerializer('', false, undefined, false, true);

  /** All metrics, in Prometheus' text format. */
  async scrape(): Promise<string> {
    const { resourceMetrics } = await this.collect();
    return this.#serializer.serialize(resourceMetrics);
  }

  protected async onForceFlush(): Promise<void> {}

  protected async onShutdown(): Promise<void> {}
}
