import { ApiError } from '../../errors.ts';
import { parseJson } from '../../parse-json.ts';
import { isObject } from '../../protocol/json.ts';
import type { Upstream } from '../../transport.ts';
import { failureInStream, failureOf } from '../server/failure.ts';
import { object, text } from '../server/json-fields.ts';

/** The HTTP status of each error type; other types are 500 and above. Errors inside a stream have only the type. */
const STATUSES = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
]);

/** The start of error messages about a request member, and the client's name of that member. */
const FIELDS: [pattern: RegExp, param: string][] = [
  [/tool_choice/, 'tool_choice'],
  [/^\W*temperature\b/, 'temperature'],
  [/^\W*top_p\b/, 'top_p'],
  [/^\W*max_tokens\b/, 'max_output_tokens'],
  [/^\W*output_config\.format\b/, 'text.format'],
  [/^\W*tools\b/, 'tools'],
  [/^\W*messages\b/, 'input'],
  [/^\W*(adaptive )?thinking\b|\beffort\b/, 'reasoning.effort'],
];

/** The ApiError for a reply of the Messages API that is not a success. Reads the start of its body. */
export async function failureOfMessages(upstream: Upstream): Promise<ApiError> {
  const failure = await failureOf(upstream);
  const { cause } = failure;
  if (upstream.status === 413 && failure.kind === 'server') {
    return new ApiError('too_large', 'The request is larger than the model backend takes.', { cause });
  }
  const { type, message } = errorOf(failure);
  if (failure.kind !== 'server' || type !== 'invalid_request_error') return failure;
  const param = FIELDS.find(([pattern]) => pattern.test(message))?.[1];
  if (!param) return failure;
  return new ApiError('unsupported', `${param} holds what this model does not take`, { param, cause });
}

/** The ApiError for an error event of a stream. */
export function failureInMessages(error: unknown): ApiError {
  return failureInStream({ ...object(error), code: STATUSES.get(text(object(error).type)) });
}

/**
 * Whether a request was refused for earlier thinking. Newer models accept it only behind unchanged instructions,
 * tools and messages, which our clients may change between turns.
 */
export function isAboutThinking(failure: ApiError): boolean {
  return failure.param === 'input' && /thinking/.test(errorOf(failure).message);
}

/** The model's maximum of output tokens, from an error that refuses more. */
export function boundIn(failure: ApiError): number | undefined {
  if (failure.param !== 'max_output_tokens') return undefined;
  const bound = Number(/^\W*max_tokens: \d+ > (\d+)/.exec(errorOf(failure).message)?.[1]);
  return bound > 0 ? bound : undefined;
}

/** Type and message of an error's body, to classify it. */
function errorOf({ cause }: ApiError): { type: string; message: string } {
  try {
    const body: unknown = parseJson(text(object(cause).body));
    const error = object(isObject(body) ? body.error : undefined);
    return { type: text(error.type), message: text(error.message) };
  } catch {
    return { type: '', message: '' };
  }
}
