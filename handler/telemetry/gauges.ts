import type { Meter, Observable } from '@opentelemetry/api';
import { type MetricName, metrics } from './metrics.ts';
import { own } from './names.ts';

/** What can be said of a process at any moment. */
export interface Gauges {
  /** Turns that clients wait for, and turns in the background: running, and waiting for a place. Undefined: it cannot be told. */
  turns: { foreground: Turns; background: Turns | undefined };
  /** Bytes of `limits.inFlight`. */
  memory: { reserved: number; limit: number };
  /** Bytes of the database; undefined where it does not know. */
  databaseSize: number | undefined;
  ready: boolean;
  /** Deliveries of webhooks that have not succeeded; undefined where no webhook is configured. */
  webhooksWaiting: number | undefined;
}

/** Turns that run, and turns that wait for a place. */
export interface Turns {
  running: number;
  waiting: number;
}

/** Changes of the configuration: how many were taken, and refused, and whether the newest one was taken; true before the first. */
export interface ReloadCounts {
  taken: number;
  refused: number;
  accepted: boolean;
}

/** What a root counts by itself. */
export interface RootCounts {
  /** Lines of the log that could not be written. */
  droppedLines?: (() => number) | undefined;
  reloads?: (() => ReloadCounts) | undefined;
  /** Events that the audit log lacks. */
  lostEvents?: (() => number) | undefined;
}

/** Has what can be said at any moment told whenever metrics are collected; `read` rejects for nothing. */
export function observeGauges(meter: Meter, read: () => Promise<Gauges>, root: RootCounts = {}): void {
  const options = ({ unit, says }: MetricName) => ({ unit, description: says });
  const gauge = (row: MetricName) => meter.createObservableGauge(row.name, options(row));
  const counter = (row: MetricName) => meter.createObservableCounter(row.name, options(row));
  const running = gauge(metrics.turnsRunning);
  const queued = gauge(metrics.turnsQueued);
  const reserved = gauge(metrics.memoryReserved);
  const limit = gauge(metrics.memoryLimit);
  const size = gauge(metrics.databaseSize);
  const ready = gauge(metrics.ready);
  const waiting = gauge(metrics.webhooksWaiting);
  const all: Observable[] = [running, queued, reserved, limit, size, ready, waiting];
  meter.addBatchObservableCallback(async (result) => {
    const now = await read();
    for (const [mode, turns] of Object.entries(now.turns)) {
      if (!turns) continue;
      result.observe(running, turns.running, { [own.mode]: mode });
      result.observe(queued, turns.waiting, { [own.mode]: mode });
    }
    result.observe(reserved, now.memory.reserved);
    result.observe(limit, now.memory.limit);
    if (now.databaseSize !== undefined) result.observe(size, now.databaseSize);
    result.observe(ready, now.ready ? 1 : 0);
    if (now.webhooksWaiting !== undefined) result.observe(waiting, now.webhooksWaiting);
  }, all);
  const { droppedLines, reloads, lostEvents } = root;
  if (lostEvents) counter(metrics.auditLost).addCallback((result) => result.observe(lostEvents()));
  if (droppedLines) counter(metrics.droppedLines).addCallback((result) => result.observe(droppedLines()));
  if (reloads) {
    counter(metrics.reloads).addCallback((result) => {
      const { taken, refused } = reloads();
      result.observe(taken, { [own.outcome]: 'taken' });
      result.observe(refused, { [own.outcome]: 'refused' });
    });
    gauge(metrics.configAccepted).addCallback((result) => result.observe(reloads().accepted ? 1 : 0));
  }
}
