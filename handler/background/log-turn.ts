import type { Admission } from '../allowances/port.ts';
import type { RequestAttributes } from '../attributes.ts';
import type { ApiError } from '../errors.ts';
import { describe, log } from '../log.ts';
import type { Origin } from '../state/request-origin.ts';
import { addCaller, addFields, errorCodeOf, type TurnFields, type TurnSummary, tenths } from '../turn/turn-summary.ts';

/** What is known of a background turn: what its log line tells, and what it is admitted by. */
export interface TurnLogFields {
  requestId: string | undefined;
  /** Who has asked for it. */
  caller: Origin | undefined;
  summary: TurnSummary | undefined;
  admission: Admission | undefined;
  attributes: RequestAttributes | undefined;
  /** Whether it had begun in another process. */
  takenOver: boolean;
  /** Why it failed. */
  failure: ApiError | undefined;
  /** Of its events, as they are kept. */
  bytes: number;
}

/** Writes the line of a background turn that has ended here, or was ended or taken over elsewhere. */
export function logTurn(id: string, status: string, logFields: TurnLogFields, duration: number): void {
  const { requestId, caller, summary, attributes, failure, bytes } = logFields;
  const failed = status === 'failed';
  const line: TurnFields = { request_id: requestId, model: summary?.model, response_id: id };
  if (caller) addCaller(line, caller);
  if (summary) addFields(line, summary);
  if (failed && failure) line.error_code ??= errorCodeOf(failure);
  if (bytes > 0) line.bytes = bytes;
  if (attributes) line.attributes = attributes.for('log');
  line.status = status;
  line.duration_ms = tenths(duration);
  if (failed && failure) line.error = describe(failure);
  log[failed ? 'error' : 'info']('background turn', line);
}
