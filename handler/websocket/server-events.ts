import type { ApiError, ErrorStyle } from '../errors.ts';
import { isShallow, type JsonObject } from '../protocol/json.ts';
import type { RefusalEvent, SteerFailedEvent } from '../protocol/websocket.ts';

/** The error event of a request that made no response. */
export function refusal(error: ApiError, style: ErrorStyle): RefusalEvent {
  const { type, told: message, param, streamCode: code, headers } = error;
  return { type: 'error', status: error.reply(style).status, error: { type, code, message, param, headers } };
}

/** The answer to `response.steer`, in the API's own words for a server that does not do it: the input goes back. */
export function steerFailed({ previous_response_id: previous, input }: JsonObject): SteerFailedEvent {
  const message = 'Steering is not supported here: send the input with the next response.create.';
  const echoedInput = typeof input === 'string' || (Array.isArray(input) && isShallow(input)) ? input : '';
  return {
    type: 'response.steer.failed',
    sequence_number: 0,
    error: { type: 'invalid_request_error', code: 'steering_not_supported', message },
    steer: { previous_response_id: typeof previous === 'string' ? previous : '', input: echoedInput },
  };
}
