import type { Attributes } from '../attributes.ts';
import type { Forward, Prepare } from '../backend/backend.ts';
import type { Caller } from '../caller.ts';
import type { ForwardingServer, WatchedServer } from '../routing/models.ts';
import { withBatch } from '../state/database/batch.ts';
import type { Batch, Database, Rows } from '../state/database/database.ts';
import type { ToolUse } from '../tools/tool.ts';
import type { TraceHeaders } from '../trace-headers.ts';
import { withLoggedCalls } from '../turn/log-calls.ts';
import { withLoggedTools } from '../turn/logged-tools.ts';
import type { TurnSummary } from '../turn/turn-summary.ts';

/**
 * What an activity is: a request over HTTP, or a turn on a WebSocket, which is a request too; a turn in the background; one
 * attempt to deliver a webhook. `trace` is where it was asked for.
 */
export type ActivityStart = { trace?: TraceHeaders | undefined } & (
  | {
      kind: 'request';
      method: string;
      path: string;
      requestId: string;
      connectionId: string | undefined;
      ingress: string | undefined;
    }
  | { kind: 'background'; response: string; requestId: string | undefined }
  | { kind: 'webhook'; webhook: string; event: string; tries: number; requestId: string | undefined }
);

/** How an activity has ended. */
export interface ActivityEnd {
  /** The template of the request's path; undefined if no route has it. */
  route?: string | undefined;
  status?: number | undefined;
  /** Who has asked for it. */
  caller?: Pick<Caller, 'tenant' | 'user'> | undefined;
  /** The turn that it was, or asked for. */
  turn?: TurnSummary | null | undefined;
  /** Whether the turn had begun in another process. */
  takenOver?: boolean | undefined;
  /** What made it fail. */
  failure?: unknown;
  /** Attributes for its span, and for the metrics of its turn. */
  spans?: Attributes | undefined;
  metrics?: Attributes | undefined;
}

/** Something that takes time, and is told to traces and metrics until `end`. */
export interface Activity {
  /** Its place in the trace, for the requests that it sends; undefined where nothing is traced. */
  readonly trace: TraceHeaders | undefined;
  /** The database, with its slow batches told as parts of this activity. */
  database(database: Database): Database;
  /** Prepares calls of a model at one server, which are told as parts of this activity. */
  prepare(server: WatchedServer): Prepare;
  /** Passes requests on to a server, which are told as parts of this activity, by the name of what is done there. */
  forward(server: ForwardingServer, operation: string): Forward;
  /** Tools, whose calls are told as parts of this activity. */
  tools(uses: readonly ToolUse[]): ToolUse[];
  /** Call it once. */
  end(end: ActivityEnd): void;
}

/** Tells traces and metrics what happens here. */
export interface Telemetry {
  begin(start: ActivityStart): Activity;
  /** Runs a batch of a database, and measures it. */
  batch<B extends Batch>(database: Database, batch: B): Promise<Rows<B>>;
  /** Hands over what has ended, where that has to be done while something is there to wait for it. Never rejects. */
  flush?(): Promise<void>;
}

/**
 * The place of the process's Telemetry, which a root may fill at any time: what begins from then on is told. Empty, it costs one
 * comparison for a request and for a batch.
 */
export interface TelemetrySlot {
  current?: Telemetry | undefined;
}

/** A database whose batches are measured while the slot is filled. */
export function withMeasuredBatches(database: Database, slot: TelemetrySlot): Database {
  return withBatch(
    database,
    (inner) => (batch) => (slot.current ? slot.current.batch(inner, batch) : inner.batch(batch)),
  );
}

/** Prepares calls of a server that are logged at the level `debug`, with the id of their request, and told as parts of an activity. */
export function watchCalls(activity: Activity | undefined, requestId: string | undefined) {
  return (server: WatchedServer): Prepare => {
    const logged = withLoggedCalls(server, requestId);
    return activity ? activity.prepare(logged) : logged.prepare;
  };
}

/** Tools whose calls are logged with the id of their request, and told as parts of an activity. */
export function watchTools(
  uses: readonly ToolUse[],
  activity: Activity | undefined,
  requestId: string | undefined,
): readonly ToolUse[] {
  if (uses.length === 0) return uses;
  const logged = withLoggedTools(uses, requestId);
  return activity ? activity.tools(logged) : logged;
}
