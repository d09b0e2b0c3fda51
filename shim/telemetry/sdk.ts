import type { Meter, Tracer } from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  type Resource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { MeterProvider, type MetricReader } from '@opentelemetry/sdk-metrics';
import { fixedLimits } from '../../handler/index.ts';
import type { TelemetrySettings } from '../../handler/otlp/settings.ts';
import { messageOf, sendSdkLog, type Warn } from '../../handler/otlp/warn.ts';
import { ScrapeReader } from './scrape.ts';

/** An SDK of OpenTelemetry, as the environment says. */
export interface Sdk {
  tracer: Tracer | undefined;
  meter: Meter | undefined;
  /** The metrics in Prometheus' text format; undefined where they are not to be scraped. */
  scrape: (() => Promise<string>) | undefined;
  /** Hands over what has not been sent, for at most `fixedLimits.flush`, and ends. Never rejects. */
  close(): Promise<void>;
}

/** The name under which spans and metrics are told. */
const SCOPE = 'antiphon';

/** Opens an SDK: of it only those parts are loaded that the settings ask for. */
export async function openSdk(settings: TelemetrySettings, warn: Warn): Promise<Sdk> {
  sendSdkLog(warn);
  const resource = resourceOf();
  const closers: (() => Promise<unknown>)[] = [];
  let tracer: Tracer | undefined;
  if (settings.traces) {
    const { openTracer } = await import('./traces.ts');
    const traces = await openTracer(settings.traces, resource);
    tracer = traces.getTracer(SCOPE);
    closers.push(() => traces.shutdown());
  }
  const readers: MetricReader[] = [];
  if (settings.metrics) {
    const { openPush } = await import('./push.ts');
    readers.push(await openPush(settings.metrics.protocol));
  }
  const scraped = settings.scrape === 'start' ? new ScrapeReader() : undefined;
  if (scraped) readers.push(scraped);
  let meter: Meter | undefined;
  if (readers.length > 0) {
    const metrics = new MeterProvider({ resource, readers });
    meter = metrics.getMeter(SCOPE);
    closers.push(() => metrics.shutdown());
  }
  return {
    tracer,
    meter,
    scrape: scraped && (() => scraped.scrape()),
    async close() {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, fixedLimits.flush);
      const closed = Promise.all(closers.map((close) => close().catch((error) => warn(messageOf(error)))));
      await Promise.race([late, closed]);
      clearTimeout(timer);
    },
  };
}

/** Who is telling: by `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, else `antiphon` with an id of this process. */
function resourceOf(): Resource {
  const detectors = [serviceInstanceIdDetector, resourceAttributesEnvDetector, serviceNameEnvDetector];
  return defaultResource()
    .merge(resourceFromAttributes({ 'service.name': 'antiphon' }))
    .merge(detectResources({ detectors }));
}
