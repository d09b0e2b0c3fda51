import type { ApiError } from '../../errors.ts';
import { isObject } from '../../protocol/json.ts';
import { failureInStream } from '../server/failure.ts';
import { text } from '../server/json-fields.ts';

/** The ApiError of a failed response, whose codes are words and not statuses. */
export function responseFailure(error: unknown): ApiError {
  if (!isObject(error)) return failureInStream(error ?? null);
  const code = text(error.code);
  const isClients = /invalid|context_length|image/.test(code);
  return failureInStream(isClients ? { ...error, type: 'invalid_request_error' } : error);
}
