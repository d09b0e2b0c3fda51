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
  tools: BoundedLabel;
}

/** Different models, and different tools, that metrics tell apart. */
const MAX_LABELS = 200;

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
  return {
    histograms: of('histogram', (row) => meter.createHistogram(row.name, options(row))),
    counters: of('counter', (row) => meter.createCounter(row.name, options(row))),
    active: meter.createUpDownCounter(metrics.requestsActive.name, options(metrics.requestsActive)),
    models: new BoundedLabel(MAX_LABELS),
    tools: new BoundedLabel(MAX_LABELS),
  };
}
