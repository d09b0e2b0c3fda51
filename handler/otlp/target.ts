import { type Protocol, wrong } from './settings.ts';
import { numberOf, pairsOf, textOf, type Variables } from './variables.ts';

/** What is sent over OTLP, by the words of the variables. */
export type Signal = 'TRACES' | 'METRICS' | 'LOGS';

/** Where a signal is sent. */
export interface OtlpTarget {
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Milliseconds. */
  timeout: number;
  compressed: boolean;
}

const PATHS: Readonly<Record<Signal, string>> = { TRACES: 'v1/traces', METRICS: 'v1/metrics', LOGS: 'v1/logs' };

/** Where the variables say that a signal is sent; throws an Error that names the variable. */
export function targetOf(signal: Signal, protocol: Protocol, variables: Variables): OtlpTarget {
  const nameOf = (what: string) => {
    const specific = `OTEL_EXPORTER_OTLP_${signal}_${what}`;
    return textOf(variables, specific) === undefined ? `OTEL_EXPORTER_OTLP_${what}` : specific;
  };
  const of = (what: string) => textOf(variables, nameOf(what));
  const base = textOf(variables, 'OTEL_EXPORTER_OTLP_ENDPOINT') ?? 'http://localhost:4318';
  const compression = of('COMPRESSION') ?? 'none';
  if (compression !== 'gzip' && compression !== 'none')
    throw wrong(nameOf('COMPRESSION'), compression, ['gzip', 'none']);
  return {
    url: textOf(variables, `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) ?? `${base.replace(/\/$/, '')}/${PATHS[signal]}`,
    headers: {
      ...Object.fromEntries(pairsOf(of('HEADERS'))),
      'content-type': protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
      ...(compression === 'gzip' && { 'content-encoding': 'gzip' }),
    },
    timeout: numberOf(variables, nameOf('TIMEOUT'), 10_000),
    compressed: compression === 'gzip',
  };
}

/** The values of headers with which telemetry is sent, as they are written and as they are sent: they are credentials. */
export function headerSecrets(variables: Variables): string[] {
  const names = ['', 'TRACES_', 'METRICS_', 'LOGS_'].map((signal) => `OTEL_EXPORTER_OTLP_${signal}HEADERS`);
  return names.flatMap((name) => {
    const list = textOf(variables, name);
    const written = list?.split(',').map((pair) => pair.slice(pair.indexOf('=') + 1).trim()) ?? [];
    return [...written, ...pairsOf(list).map(([, value]) => value)];
  });
}
