import type { Resource } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler as SdkSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { numberOf } from './number-of.ts';
import type { Sampler, TelemetrySettings } from './settings.ts';

/** Makes spans, and sends them over OTLP in batches; what comes while the queue is full is dropped. */
export async function openTracer(
  { protocol, sampler }: NonNullable<TelemetrySettings['traces']>,
  resource: Resource,
): Promise<TracerProvider> {
  const { OTLPTraceExporter } = await (protocol === 'http/json'
    ? import('@opentelemetry/exporter-trace-otlp-http')
    : import('@opentelemetry/exporter-trace-otlp-proto'));
  const processor = new BatchSpanProcessor({
    exporter: new OTLPTraceExporter(),
    maxQueueSize: numberOf('OTEL_BSP_MAX_QUEUE_SIZE', 2_048),
    maxExportBatchSize: numberOf('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512),
    scheduledDelayMillis: numberOf('OTEL_BSP_SCHEDULE_DELAY', 5_000),
    exportTimeoutMillis: numberOf('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
  });
  const spanLimits = {
    attributeCountLimit: limit('ATTRIBUTE_COUNT_LIMIT', 128),
    attributeValueLengthLimit: limit('ATTRIBUTE_VALUE_LENGTH_LIMIT', Number.POSITIVE_INFINITY),
  };
  return new TracerProvider({ resource, sampler: samplerOf(sampler), spanProcessors: [processor], spanLimits });
}

/** A limit of spans, else of all that has attributes. */
function limit(name: string, fallback: number): number {
  return numberOf(`OTEL_SPAN_${name}`, numberOf(`OTEL_${name}`, fallback));
}

function samplerOf({ parentBased, ratio }: Sampler): SdkSampler {
  const root =
    ratio === 1 ? new AlwaysOnSampler() : ratio === 0 ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
  return parentBased ? new ParentBasedSampler({ root }) : root;
}
