import type { RequestAttributes } from '../attributes.ts';
import type { Caller } from '../caller.ts';
import { ApiError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Ingress } from '../ingress.ts';
import { fixedLimits } from '../limits.ts';
import { describe, excerpt, log } from '../log.ts';
import { holdsKey } from '../redact.ts';
import type { Activity, Telemetry } from '../telemetry/telemetry.ts';
import type { TraceHeaders } from '../trace-headers.ts';
import { addCaller, addFields, errorCodeOf, type TurnFields, type TurnSummary, tenths } from '../turn/turn-summary.ts';
import type { EndedRequest } from './audit-request.ts';

/** A request's log line, filled in on the way; `end` writes it, once, when the reply has ended. */
export interface RequestLog {
  readonly requestId: string;
  model: string | null;
  /** Who sends it, once that is known. */
  caller: Caller | undefined;
  /** The id of the response that was made. */
  response: string | null;
  /** The turn that it asks for, once it is planned. */
  turn: TurnSummary | null;
  streaming: boolean;
  /** Of its reply: those of a stream as far as it was read, and characters over a WebSocket; 0 for an error. */
  bytes: number;
  /** The types of hosted tools that the turn was planned without. */
  leftOut: readonly string[];
  /** The status that was sent, where the reply does not have it. */
  status: number | null;
  /** The template of the path, where there is a route. */
  route: string | undefined;
  /** What traces and metrics are told of it; undefined if they are told nothing. */
  readonly activity: Activity | undefined;
  readonly attributes: RequestAttributes | undefined;
  /** The stored response that a turn goes on from, and the conversation that it adds to. */
  goesOnFrom: EndedRequest['goesOnFrom'];
  /** The ids of the items that its input refers to. */
  refersTo: EndedRequest['refersTo'];
  /** What made a streamed reply fail, whose status was sent long before. */
  failure: unknown;
  end(): void;
}

/** A client's request id that is kept. Envoy, in front of us, keeps any. */
const PRINTABLE = /^[\x20-\x7e]+$/;

/** A request as it comes in. */
export interface Incoming {
  /** The client's own id for it, if it sent one. */
  requestId?: string | undefined;
  /** The id of the request that opened its WebSocket. */
  connectionId?: string | undefined;
  ingress: Ingress;
  method: string;
  path: string;
  attributes?: RequestAttributes | undefined;
  telemetry?: Telemetry | undefined;
  /** Where it was sent in a trace; called if that is told. */
  trace?: () => TraceHeaders | undefined;
  /** Is told of its end. */
  audit?: ((ended: EndedRequest) => void) | undefined;
}

/** Statuses of an expected refusal: stopping, or out of room, in one API or another. They are logged as warnings. */
const REFUSALS = new Set([503, 507, 529]);

/** Begins a request's log line; `statusOf` gives the status of its reply when it has ended, and `onEnd` is called once, then. */
export function beginRequestLog(
  { requestId: given, connectionId, ingress, method, path, attributes, telemetry, trace, audit }: Incoming,
  statusOf: () => number,
  onEnd: () => void,
): RequestLog {
  const startedAt = performance.now();
  const isUsable = given && PRINTABLE.test(given) && !holdsKey(given); // it is kept, and told to others
  const requestId = isUsable ? given.slice(0, fixedLimits.requestId) : newId('req');
  const activity = telemetry?.begin({
    kind: 'request',
    method,
    path,
    requestId,
    connectionId,
    ingress: ingress.name,
    trace: trace?.(),
  });
  let open = true;
  return {
    requestId,
    activity,
    attributes,
    route: undefined,
    caller: undefined,
    model: null,
    response: null,
    turn: null,
    streaming: false,
    bytes: 0,
    leftOut: [],
    status: null,
    goesOnFrom: { response: undefined, conversation: undefined },
    refersTo: [],
    failure: undefined,
    end() {
      if (!open) return;
      open = false;
      onEnd();
      const { requestId: request_id, model, response, turn, streaming, bytes, leftOut, failure } = this;
      const failed = failure instanceof ApiError ? failure.reply('tiers').status : 0;
      const status = streaming && failed ? failed : (this.status ?? statusOf());
      const level = status < 500 ? 'info' : REFUSALS.has(status) ? 'warn' : 'error';
      log[level]('request', () => {
        // What is undefined is not written. One object, since to copy it takes as long as to write it.
        const line: TurnFields = {
          request_id,
          connection_id: connectionId,
          door: ingress.name,
          method,
          path: excerpt(path, 200),
          model,
          response_id: response ?? undefined,
          streaming,
        };
        if (this.caller) addCaller(line, this.caller);
        if (turn) addFields(line, turn);
        if (failure instanceof ApiError) {
          line.error_code ??= errorCodeOf(failure);
          line.limit = failure.limit;
        }
        if (leftOut.length > 0) line.dropped_tools = leftOut;
        if (bytes > 0) line.bytes = bytes;
        if (attributes) line.attributes = attributes.for('log');
        line.status = status;
        line.duration_ms = tenths(performance.now() - startedAt);
        if (failure !== undefined) line.error = describe(failure);
        return line;
      });
      activity?.end({
        route: this.route,
        status,
        caller: this.caller,
        turn,
        failure,
        spans: attributes?.for('spans'),
        metrics: attributes?.for('metrics'),
      });
      audit?.({ ...this, method, path, status, failure });
      if (telemetry?.flush) ingress.waitUntil?.(telemetry.flush());
    },
  };
}
