import type { ApiError } from '../errors.ts';
import type { ErrorEvent } from '../events/events.ts';

/** The `error` event of a stream: flat, as the API has it, and nested, as the SDKs read it. */
export function errorEvent(
  { type, told: message, param, streamCode: code }: ApiError,
  sequence_number: number,
): ErrorEvent {
  return { type: 'error', sequence_number, code, message, param, error: { type, code, message, param } };
}
