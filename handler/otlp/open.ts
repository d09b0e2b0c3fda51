import type { Meter, Tracer } from '@opentelemetry/api';
import {
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { log } from '../log.ts';
import { keepSecret } from '../redact.ts';
import type { FlushedTelemetry } from '../telemetry/flushed.ts';
import { observeGauges, openTelemetry } from '../telemetry/index.ts';
import { MetricPush } from './metric-push.ts';
import { post } from './post.ts';
import { type TelemetrySettings, telemetrySettings } from './settings.ts';
import { SpanQueue } from './span-queue.ts';
import { headerSecrets, type OtlpTarget, targetOf } from './target.ts';
import { tracingOptions } from './tracing.ts';
import { numberOf, pairsOf, textOf, type Variables } from './variables.ts';
import { messageOf, sendSdkLog, sparingly } from './warn.ts';

/** The name under which spans and metrics are told. */
const SCOPE = 'antiphon';

/** Time from one sending of metrics to the next, in milliseconds; a Worker may go on for 30 s after its reply. */
const METRICS_INTERVAL_MS = 10_000;

/** What a batch is made of, as a request of OTLP; undefined if it cannot be told. */
interface Serializer<T> {
  serializeRequest(told: T): Uint8Array | undefined;
}

/**
 * Opens traces and metrics that are pushed over OTLP by the runtime's own `fetch`, as the variables `OTEL_*` say: for runtimes that
 * end with their requests. Without an endpoint nothing is told. Throws an Error that names a wrong variable.
 */
export function openOtlp(variables: Variables, { content = false, slowBatch = 50 } = {}): FlushedTelemetry {
  const settings = telemetrySettings(variables, ['otlp', 'none']);
  for (const secret of headerSecrets(variables)) keepSecret(secret);
  for (const unused of [...settings.unused, ...certificatesOf(variables)])
    log.warn('a variable has no effect', { variable: unused });
  if (!settings.traces && !settings.metrics) return { observe() {}, async flush() {} };
  const warn = sparingly();
  sendSdkLog(warn);
  const resource = resourceOf(variables);
  const traces = settings.traces && openTraces(settings.traces, resource, variables);
  const metrics = settings.metrics && openMetrics(settings.metrics, resource, variables);
  const tried = (work: Promise<void> | undefined) => work?.catch((error) => warn(messageOf(error)));
  const both = async (spans: Promise<void> | undefined, numbers: Promise<void> | undefined) => {
    await Promise.all([tried(spans), tried(numbers)]);
  };
  const telemetry = openTelemetry({ tracer: traces?.tracer, meter: metrics?.meter, content, slowBatch });
  return {
    current: { ...telemetry, flush: () => both(traces?.queue.flush(), metrics?.push.flushInTurn()) },
    observe(read) {
      if (metrics) observeGauges(metrics.meter, read);
    },
    flush: () => both(traces?.queue.flush(), metrics?.push.flush()),
  };
}

function openTraces(
  { protocol, sampler }: NonNullable<TelemetrySettings['traces']>,
  resource: Resource,
  variables: Variables,
): { tracer: Tracer; queue: SpanQueue } {
  const serializer = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer;
  const target = targetOf('TRACES', protocol, variables);
  const queue = new SpanQueue((spans) => send(serializer, spans, target), {
    max: numberOf(variables, 'OTEL_BSP_MAX_QUEUE_SIZE', 2_048),
    batch: numberOf(variables, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512),
    timeout: target.timeout,
  });
  const provider = new TracerProvider({ resource, spanProcessors: [queue], ...tracingOptions(sampler, variables) });
  return { tracer: provider.getTracer(SCOPE), queue };
}

function openMetrics(
  { protocol }: NonNullable<TelemetrySettings['metrics']>,
  resource: Resource,
  variables: Variables,
): { meter: Meter; push: MetricPush } {
  const serializer = protocol === 'http/json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
  const target = targetOf('METRICS', protocol, variables);
  const interval = numberOf(variables, 'OTEL_METRIC_EXPORT_INTERVAL', METRICS_INTERVAL_MS);
  const push = new MetricPush((metrics) => send(serializer, metrics, target), interval, variables);
  return { meter: new MeterProvider({ resource, readers: [push] }).getMeter(SCOPE), push };
}

async function send<T>(serializer: Serializer<T>, told: T, target: OtlpTarget): Promise<void> {
  const body = serializer.serializeRequest(told);
  if (body) await post(target, body);
}

/** Who is telling: by `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, else `antiphon` with an id of this process. */
function resourceOf(variables: Variables): Resource {
  const name = textOf(variables, 'OTEL_SERVICE_NAME');
  return resourceFromAttributes({
    'service.name': 'antiphon',
    'service.instance.id': crypto.randomUUID(),
    ...Object.fromEntries(pairsOf(textOf(variables, 'OTEL_RESOURCE_ATTRIBUTES'))),
    ...(name !== undefined && { 'service.name': name }),
  });
}

/** Variables of certificates, of which the runtime alone decides. */
function certificatesOf(variables: Variables): string[] {
  const names = ['CERTIFICATE', 'CLIENT_KEY', 'CLIENT_CERTIFICATE'].flatMap((what) =>
    ['', 'TRACES_', 'METRICS_'].map((signal) => `OTEL_EXPORTER_OTLP_${signal}${what}`),
  );
  return names
    .filter((name) => textOf(variables, name) !== undefined)
    .map((name) => `${name}: the runtime decides which certificates it trusts and shows`);
}
