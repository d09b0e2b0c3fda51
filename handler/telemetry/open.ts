import type { Meter, Tracer } from '@opentelemetry/api';
import { OpenActivity } from './activity.ts';
import { measureBatch } from './database.ts';
import { openInstruments } from './instruments.ts';
import type { Telemetry } from './telemetry.ts';

/** What Telemetry is made of. Without a tracer there are no spans, without a meter no metrics. */
export interface TelemetryOptions {
  tracer?: Tracer | undefined;
  meter?: Meter | undefined;
  /** Whether spans have what was said to models and by them. */
  content: boolean;
  /** Batches of the database of so many milliseconds are spans. */
  slowBatch: number;
}

/** Opens the Telemetry of a process. */
export function openTelemetry({ tracer, meter, content, slowBatch }: TelemetryOptions): Telemetry {
  const instruments = meter && openInstruments(meter);
  const options = { tracer, instruments, content, slowBatch };
  return {
    begin: (start) => new OpenActivity(start, options),
    batch: (database, batch) => (instruments ? measureBatch(database, batch, instruments) : database.batch(batch)),
  };
}
