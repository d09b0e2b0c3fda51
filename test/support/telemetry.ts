import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Gauges, TelemetrySlot } from '../../handler/index.ts';
import { observeGauges, openTelemetry, type TelemetryOptions } from '../../handler/telemetry/index.ts';
import { ScrapeReader } from '../../shim/telemetry/scrape.ts';
import { type InProcess, openInProcess } from './doors/in-process.ts';

/** Telemetry that stays in memory, to be read by a test. */
export interface TestTelemetry {
  slot: TelemetrySlot;
  /** The spans that have ended, in the order of their ends. */
  spans(): ReadableSpan[];
  /** The span of a name that begins so; throws if there is none. */
  span(name: string): ReadableSpan;
  /** The metrics as Prometheus reads them. */
  metrics(): Promise<string>;
  observe(gauges: () => Promise<Gauges>): void;
}

/** Opens an SDK whose spans and metrics stay in memory. */
export function testTelemetry(options: Partial<TelemetryOptions> = {}): TestTelemetry {
  const exporter = new InMemorySpanExporter();
  const traces = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const reader = new ScrapeReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter('test');
  const tracer = traces.getTracer('test');
  return {
    slot: { current: openTelemetry({ tracer, meter, content: false, slowBatch: 50, ...options }) },
    spans: () => exporter.getFinishedSpans(),
    span(name) {
      const found = exporter.getFinishedSpans().filter((span) => span.name.startsWith(name));
      if (found[0]) return found[0];
      throw new Error(`no span ${name} among ${exporter.getFinishedSpans().map((span) => span.name)}`);
    },
    metrics: () => reader.scrape(),
    observe: (gauges) => observeGauges(meter, gauges),
  };
}

/** A handler that tells of itself. */
export async function opened(options = {}): Promise<{ door: InProcess; told: TestTelemetry; close(): Promise<void> }> {
  const told = testTelemetry(options);
  const door = await openInProcess({ telemetry: told.slot });
  return { door, told, close: () => door.close() };
}

/** Asks it for a response, and gives the text of its reply. */
export async function ask(door: InProcess, body: object, headers = {}): Promise<string> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
  const reply = await door.fetch('/v1/responses', { ...init, body: JSON.stringify({ input: 'Hi', ...body }) });
  return reply.text();
}
