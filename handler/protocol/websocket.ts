import * as v from 'valibot';
import { maybe } from './fields.ts';
import { CreateRequest } from './request.ts';

/**
 * What a client sends over a WebSocket to have a response made: the body of `POST /v1/responses`, and whether anything is to
 * be generated. `stream` counts for nothing there.
 */
export const CreateEvent = v.object({ ...CreateRequest.entries, generate: maybe(v.boolean()) });
export type CreateEvent = v.InferOutput<typeof CreateEvent>;

/** What was refused before it became a response: what would be an error reply over HTTP, with its status and headers. */
export interface RefusalEvent {
  type: 'error';
  status: number;
  error: {
    type: string;
    code: string | null;
    message: string;
    param: string | null;
    headers: Record<string, string>;
  };
  stream_id?: string;
}

/** Input for a response that is being made, given back. */
export interface SteerFailedEvent {
  type: 'response.steer.failed';
  sequence_number: number;
  error: { type: 'invalid_request_error'; code: 'steering_not_supported'; message: string };
  steer: { previous_response_id: string; input: string | object[] };
}
