import { type MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { Protocol } from '../../handler/otlp/settings.ts';
import { numberOf } from '../../handler/otlp/variables.ts';

/** Sends metrics over OTLP, as often as `OTEL_METRIC_EXPORT_INTERVAL` says, by default each minute. */
export async function openPush(protocol: Protocol): Promise<MetricReader> {
  const { OTLPMetricExporter } = await (protocol === 'http/json'
    ? import('@opentelemetry/exporter-metrics-otlp-http')
    : import('@opentelemetry/exporter-metrics-otlp-proto'));
  const exportIntervalMillis = numberOf(process.env, 'OTEL_METRIC_EXPORT_INTERVAL', 60_000);
  const exportTimeoutMillis = Math.min(
    numberOf(process.env, 'OTEL_METRIC_EXPORT_TIMEOUT', 30_000),
    exportIntervalMillis,
  );
  return new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(),
    exportIntervalMillis,
    exportTimeoutMillis,
  });
}
