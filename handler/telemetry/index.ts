// What a root needs that has an SDK of OpenTelemetry. It is loaded by those alone: nothing else of the handler imports it.

export { observeGauges, type ReloadCounts, type RootCounts } from './gauges.ts';
export { openTelemetry, type TelemetryOptions } from './open.ts';
