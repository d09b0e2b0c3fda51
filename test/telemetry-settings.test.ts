import assert from 'node:assert/strict';
import { test } from 'node:test';
import { telemetrySettings } from '../handler/otlp/settings.ts';

const endpoint = 'http://127.0.0.1:4318';

test('without a variable nothing is sent, and metrics are counted once they are scraped', () => {
  const { traces, metrics, scrape, unused } = telemetrySettings({});
  assert.deepEqual([traces, metrics, scrape, unused], [undefined, undefined, 'demand', []]);
});

test('an endpoint has traces and metrics sent, by protobuf, and the one who asks decides what is kept', () => {
  const settings = telemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
  assert.deepEqual(settings.traces, { protocol: 'http/protobuf', sampler: { parentBased: true, ratio: 1 } });
  assert.deepEqual(settings.metrics, { protocol: 'http/protobuf' });
  assert.equal(settings.scrape, 'never');
});

test('each signal may have its own endpoint, protocol and exporter', () => {
  const only = telemetrySettings({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/v1/traces` });
  assert.ok(only.traces && !only.metrics && only.scrape === 'demand');
  const mixed = telemetrySettings({
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf',
    OTEL_METRICS_EXPORTER: 'otlp, prometheus',
  });
  assert.deepEqual([mixed.traces?.protocol, mixed.metrics?.protocol], ['http/json', 'http/protobuf']);
  assert.equal(mixed.scrape, 'start');
  const none = telemetrySettings({
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_METRICS_EXPORTER: 'none',
  });
  assert.deepEqual([none.traces, none.metrics, none.scrape], [undefined, undefined, 'never']);
});

test('the samplers are those of OpenTelemetry', () => {
  const sampler = (name: string, arg?: string) =>
    telemetrySettings({
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_TRACES_SAMPLER: name,
      ...(arg && { OTEL_TRACES_SAMPLER_ARG: arg }),
    }).traces?.sampler;
  assert.deepEqual(sampler('parentbased_traceidratio', '0.05'), { parentBased: true, ratio: 0.05 });
  assert.deepEqual(sampler('always_off'), { parentBased: false, ratio: 0 });
  assert.deepEqual(sampler('parentbased_always_off'), { parentBased: true, ratio: 0 });
});

test('OTEL_SDK_DISABLED turns everything off, whatever else is set', () => {
  const settings = telemetrySettings({ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
  assert.deepEqual([settings.traces, settings.metrics, settings.scrape], [undefined, undefined, 'never']);
});

for (const [env, says] of [
  [
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    /OTEL_EXPORTER_OTLP_PROTOCOL is "grpc".*http\/protobuf or http\/json.*4318/,
  ],
  [{ OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc' }, /OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is "grpc"/],
  [{ OTEL_TRACES_EXPORTER: 'jaeger' }, /OTEL_TRACES_EXPORTER is "jaeger", and must be otlp or none/],
  [{ OTEL_METRICS_EXPORTER: 'otlp,console' }, /OTEL_METRICS_EXPORTER is "console"/],
  [{ OTEL_TRACES_SAMPLER: 'xray' }, /OTEL_TRACES_SAMPLER is "xray", and must be always_on or/],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '5' }, /OTEL_TRACES_SAMPLER_ARG is "5"/],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'collector:4318' }, /OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is "collector:4318"/],
] as const) {
  test(`refused: ${JSON.stringify(env)}`, () => {
    assert.throws(() => telemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env }), says);
  });
}

test('variables without an effect are named', () => {
  const { unused } = telemetrySettings({ OTEL_LOGS_EXPORTER: 'otlp', OTEL_PROPAGATORS: 'b3' });
  assert.equal(unused.length, 2);
  assert.deepEqual(
    telemetrySettings({ OTEL_LOGS_EXPORTER: 'none', OTEL_PROPAGATORS: 'tracecontext,baggage' }).unused,
    [],
  );
});
