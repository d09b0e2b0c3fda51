import { textOf, type Variables } from './variables.ts';

/** Protocols of OTLP that are spoken here. */
export type Protocol = 'http/protobuf' | 'http/json';

/** What the environment says of traces and metrics, by OpenTelemetry's own variables. */
export interface TelemetrySettings {
  /** How traces are sent; undefined: not at all. */
  traces: { protocol: Protocol; sampler: Sampler } | undefined;
  /** How metrics are sent; undefined: not at all. */
  metrics: { protocol: Protocol } | undefined;
  /**
   * When metrics can be scraped at `/metrics` of the admin listener: from the start, from the first scrape on, so that who never
   * scrapes pays nothing, or never.
   */
  scrape: 'start' | 'demand' | 'never';
  /** Variables that are set and have no effect here, with the reason. */
  unused: string[];
}

/** Who decides which traces are kept. */
export interface Sampler {
  /** Whether the decision of whoever has sent the request comes first. */
  parentBased: boolean;
  /** The share of the traces that begin here. */
  ratio: number;
}

const PROTOCOLS: readonly string[] = ['http/protobuf', 'http/json'];

/** What `OTEL_METRICS_EXPORTER` may name, unless a root cannot be scraped. */
const METRICS_EXPORTERS = ['otlp', 'prometheus', 'none'];

/** Reads the variables `OTEL_*`; throws an Error that names the variable and what it may be. */
export function telemetrySettings(variables: Variables, metricsExporters = METRICS_EXPORTERS): TelemetrySettings {
  const of = (name: string) => textOf(variables, name);
  if (of('OTEL_SDK_DISABLED')?.toLowerCase() === 'true')
    return { traces: undefined, metrics: undefined, scrape: 'never', unused: [] };
  const exporters = (signal: string, known: readonly string[]) => {
    const name = `OTEL_${signal}_EXPORTER`;
    const list =
      of(name)
        ?.split(',')
        .map((word) => word.trim()) ?? [];
    for (const word of list) if (!known.includes(word)) throw wrong(name, word, known);
    return list;
  };
  const isOn = (signal: string, list: readonly string[]) =>
    list.length > 0
      ? list.includes('otlp')
      : of('OTEL_EXPORTER_OTLP_ENDPOINT') !== undefined || of(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) !== undefined;
  const protocolOf = (signal: string): Protocol => {
    const specific = `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`;
    const name = of(specific) === undefined ? 'OTEL_EXPORTER_OTLP_PROTOCOL' : specific;
    const protocol = of(name) ?? 'http/protobuf';
    if (!PROTOCOLS.includes(protocol)) throw wrong(name, protocol, PROTOCOLS);
    return protocol as Protocol; // one of them
  };
  const traces = exporters('TRACES', ['otlp', 'none']);
  const metrics = exporters('METRICS', metricsExporters);
  for (const signal of ['TRACES', 'METRICS']) checkEndpoint(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`, of);
  checkEndpoint('OTEL_EXPORTER_OTLP_ENDPOINT', of);
  const sendsMetrics = isOn('METRICS', metrics);
  const onDemand = metrics.length === 0 && !sendsMetrics ? 'demand' : 'never';
  return {
    traces: isOn('TRACES', traces) ? { protocol: protocolOf('TRACES'), sampler: samplerOf(of) } : undefined,
    metrics: sendsMetrics ? { protocol: protocolOf('METRICS') } : undefined,
    scrape: metrics.includes('prometheus') ? 'start' : onDemand,
    unused: unusedOf(of),
  };
}

/** `traceidratio` and the like, as OpenTelemetry names them. */
function samplerOf(of: (name: string) => string | undefined): Sampler {
  const name = of('OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on';
  const [, parent, kind] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ?? [];
  if (!kind) {
    const kinds = ['always_on', 'always_off', 'traceidratio'];
    throw wrong('OTEL_TRACES_SAMPLER', name, [...kinds, ...kinds.map((kind) => `parentbased_${kind}`)]);
  }
  const share = of('OTEL_TRACES_SAMPLER_ARG') ?? '1';
  const ratio = kind === 'always_on' ? 1 : kind === 'always_off' ? 0 : Number(share);
  if (!(ratio >= 0 && ratio <= 1)) throw wrong('OTEL_TRACES_SAMPLER_ARG', share, ['a number from 0 to 1']);
  return { parentBased: parent !== undefined, ratio };
}

function checkEndpoint(name: string, of: (name: string) => string | undefined): void {
  const url = of(name);
  if (url === undefined) return;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw wrong(name, url, ['a URL such as http://127.0.0.1:4318']);
}

function unusedOf(of: (name: string) => string | undefined): string[] {
  const unused: string[] = [];
  const logs = of('OTEL_LOGS_EXPORTER');
  if (logs !== undefined && logs !== 'none') unused.push('OTEL_LOGS_EXPORTER: the log goes to stdout');
  const propagators = of('OTEL_PROPAGATORS');
  if (propagators !== undefined && !/(^|,)\s*tracecontext\s*(,|$)/.test(propagators))
    unused.push('OTEL_PROPAGATORS: only tracecontext is spoken here');
  return unused;
}

/** The error of a variable that is none of what it may be. */
export function wrong(name: string, value: string, known: readonly string[]): Error {
  const cure =
    value === 'grpc' ? '; OTLP over gRPC is not spoken here, and its receivers listen for HTTP on port 4318' : '';
  return new Error(`the variable ${name} is "${value}", and must be ${known.join(' or ')}${cure}`);
}
