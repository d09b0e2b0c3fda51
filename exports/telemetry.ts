// antiphon/telemetry: traces and metrics over OTLP, for Workers and whatever else has web standards.

export { openOtlp } from '../handler/otlp/open.ts';
export type { Variables } from '../handler/otlp/variables.ts';
export type { FlushedTelemetry } from '../handler/telemetry/flushed.ts';
