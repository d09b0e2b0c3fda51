import type { Counter, Histogram, Meter, UpDownCounter } from '@opentelemetry/api';
import { BoundedLabel } from './labels.ts';
import { type MetricKey, type MetricName, metrics } from './metrics.ts';

type OfKind<K extends MetricName['kind']> = {
  [Key in MetricKey]: (typeof metrics)[Key]['kind'] extends K ? Key : never;
}[MetricKey];

/** The metrics that are counted or measured as things happen, and the labels that clients and servers choose. */
export interface Instruments {
  histograms: Readonly<Record<OfKind<'histogram'>, Histogram>>;
  counters: Readonly<Record<OfKind<'counter'>, Counter>>;
  active: UpDownCounter;
  models: BoundedLabel;
  /** Patterns of models have places of their own: names that clients made up leave them theirs. */
  patterns: BoundedLabel;
  tools: BoundedLabel;
}

/** Different models, patterns of models, and tools, that metrics tell apart. */
const MAX_LABELS = 200;

/**
 * The label of a model in metrics. A name that a client made up is none of a model until a server has answered to it: of a call that
 * failed before that, the label is the pattern of the configuration.
 */
export function modelLabel({ models, patterns }: Instruments, model: string, pattern: string, failed: boolean): string {
  return failed && !models.has(model) ? patterns.of(pattern) : models.of(model);
}

/** Makes every counter and histogram of the table. */
export function openInstruments(meter: Meter): Instruments {
  const of = <K extends MetricName['kind'], I>(kind: K, make: (row: MetricName) => I) =>
    // The entries are those of the kind.
    Object.fromEntries(
      Object.entries<MetricName>(metrics).flatMap(([key, row]) => (row.kind === kind ? [[key, make(row)]] : [])),
    ) as Record<OfKind<K>, I>; // the rows of the kind, and only those
  const options = ({ unit, says, buckets }: MetricName) => ({
    unit,
    description: says,
    ...(buckets && { advice: { explicitBucketBoundaries: [...buckets] } }),
  });
  const counters = of('counter', (row) => meter.createCounter(row.name, options(row)));
  counters.takeovers.add(0); // so that the first one is an increase
  return {
    histograms: of('histogram', (row) => meter.createHistogram(row.name, options(row))),
    counters,
    active: meter.createUpDownCounter(metrics.requestsActive.name, options(metrics.requestsActive)),
    models: new BoundedLabel(MAX_LABELS),
    patterns: new BoundedLabel(MAX_LABELS),
    tools: new BoundedLabel(MAX_LABELS),
  };
}
