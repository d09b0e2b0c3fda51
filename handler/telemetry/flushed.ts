import type { Gauges } from './gauges.ts';
import type { TelemetrySlot } from './telemetry.ts';

/** Traces and metrics that a root hands over itself. */
export interface FlushedTelemetry extends TelemetrySlot {
  /** Has what can be said of the process at any moment told with its metrics; `read` rejects for nothing. */
  observe(read: () => Promise<Gauges>): void;
  /** Hands over all that has ended, at once. Never rejects. */
  flush(): Promise<void>;
}
