import type { Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { TelemetrySettings } from '../../handler/otlp/settings.ts';
import { tracingOptions } from '../../handler/otlp/tracing.ts';
import { numberOf } from '../../handler/otlp/variables.ts';

/** Makes spans, and sends them over OTLP in batches; what comes while the queue is full is dropped. */
export async function openTracer(
  { protocol, sampler }: NonNullable<TelemetrySettings['traces']>,
  resource: Resource,
): Promise<TracerProvider> {
  const { OTLPTraceExporter } = await (protocol === 'http/json'
    ? import('@opentelemetry/exporter-trace-otlp-http')
    : import('@opentelemetry/exporter-trace-otlp-proto'));
  const { env } = process;
  const processor = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter(),
    maxQueueSize: numberOf(env, 'OTEL_BSP_MAX_QUEUE_SIZE', 2_048),
    maxExportBatchSize: numberOf(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512),
    scheduledDelayMillis: numberOf(env, 'OTEL_BSP_SCHEDULE_DELAY', 5_000),
    exportTimeoutMillis: numberOf(env, 'OTEL_BSP_EXPORT_TIMEOUT', 30_000),
  });
  return new TracerProvider({ resource, spanProcessors: [processor], ...tracingOptions(sampler, env) });
}
