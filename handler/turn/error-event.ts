import type { ApiError } from '../errors.ts';
import type { ErrorEvent } from '../events/events.ts';

/** What a stream says of an error: flat, as the API does, and once more in one member, as its SDKs read it. */
export function errorEvent({ type, message, param, streamCode: code }: ApiError, sequence_number: number): ErrorEvent {
  return { type: 'error', sequence_number, code, message, param, error: { type, code, message, param } };
}
