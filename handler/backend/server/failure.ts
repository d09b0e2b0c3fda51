import { ApiError } from '../../errors.ts';
import { excerpt, log } from '../../log.ts';
import { parseJson } from '../../parse-json.ts';
import { type ResponseErrorCode, responseErrorCodes } from '../../protocol/error-codes.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Upstream } from '../../transport.ts';
import { nameIn } from './json-fields.ts';

/** The most bytes of an error body that are read to classify it. None of it is passed on. */
const MAX_BODY = 64 * 1024;

/** The most characters of an error member that are the server's own words; later ones may quote the request. */
const MAX_OWN_TEXT = 300;

/** Context overflow errors of llama.cpp, vLLM, OpenAI, Anthropic and others. */
const OVERFLOW =
  /exceed_context_size|exceeds? the (available|model's) context|maximum (context|model) length|max_model_len|context_length_exceeded|context (window|length|size|limit)|prompt is too long|too many tokens|\binput_text\b/i;

/** Unknown model errors. */
const UNKNOWN_MODEL =
  /model_not_found|not_found_error +model: |model .{0,300}(not found|does not exist)|no such model|unknown model/is;

/** The ApiError for a backend's reply that is not a success. Reads the start of its body, and cancels the rest. */
export async function failureOf(upstream: Upstream): Promise<ApiError> {
  return classify(upstream.status, await startOf(upstream.body), upstream.header('retry-after'));
}

/** The ApiError for an error that came inside a stream, as `error` of a chunk or as the whole of it. */
export function failureInStream(error: unknown): ApiError {
  const { code, type } = isObject(error) ? error : {};
  const number = Number(code);
  const status = number >= 400 && number < 600 ? number : type === 'invalid_request_error' ? 400 : 500;
  return classify(status, JSON.stringify(error) ?? '', null);
}

/** The ApiError for a backend that cannot be reached or whose connection broke. */
export function connectionFailed(cause: unknown): ApiError {
  return new ApiError('server', 'The model backend could not be reached, or broke off.', { cause });
}

/** The ApiError for a backend that sends what its protocol does not know. */
export function garbled(cause: unknown): ApiError {
  return new ApiError('server', 'The model backend sent something that is not valid.', { cause });
}

/** The error object of a body, or its text. */
function errorIn(body: string): JsonObject | string {
  try {
    const whole: unknown = parseJson(body);
    const error = isObject(whole) && whole.error !== undefined ? whole.error : whole;
    return isObject(error) ? error : String(error);
  } catch {
    return body;
  }
}

/**
 * The error's type, code, field and the start of its message. Later parts of some messages repeat the request, whose
 * words are not the server's.
 */
function gist(error: JsonObject | string): string {
  if (typeof error === 'string') return error.slice(0, MAX_OWN_TEXT);
  const { type, code, param, message } = error;
  return [type, code, param, message].map((value) => String(value ?? '').slice(0, MAX_OWN_TEXT)).join(' ');
}

/** API codes that say no more than the error kind. */
const GENERIC_CODES = new Set<string>(['server_error', 'rate_limit_exceeded']);

/** The API code of an error, if it has one. */
function reasonOf(error: JsonObject | string): ResponseErrorCode | undefined {
  const code = typeof error === 'string' ? undefined : error.code;
  return responseErrorCodes.find((known) => known === code && !GENERIC_CODES.has(known));
}

function classify(status: number, body: string, retryAfter: string | null): ApiError {
  const error = errorIn(body);
  const { type, code } = isObject(error) ? error : {};
  // Error bodies may repeat user content, so the cause's JSON, which is logged at every level, has none of it.
  const cause = { status, body, toJSON: () => ({ status, type: nameIn(type), code: nameIn(code) }) };
  log.debug('a model backend refused', () => ({ status, body: excerpt(body) }));
  const gistText = gist(error);
  const reason = reasonOf(error);
  if (!reason && (status === 401 || status === 403)) {
    return new ApiError('server', 'The model backend refused our credentials.', { retry: false, cause });
  }
  const pause = retryAfter && /^[\w ,:.-]{1,40}$/.test(retryAfter) ? retryAfter : undefined;
  if (status === 429) {
    const headers = { 'retry-after': pause ?? '1' };
    return new ApiError('rate_limit', 'The model backend is at its rate limit.', { headers, cause });
  }
  if (status < 500 && OVERFLOW.test(gistText)) {
    const message = "The input, with the output asked for, does not fit the model's context window.";
    return new ApiError('context_length', message, { param: 'input', cause });
  }
  if ((status === 404 || status === 400) && UNKNOWN_MODEL.test(gistText)) {
    return new ApiError('model_not_found', 'The model backend does not have this model.', { param: 'model', cause });
  }
  if (reason === 'vector_store_timeout') {
    return new ApiError('server', `The model backend failed (${reason}).`, { reason, cause });
  }
  if (reason)
    return new ApiError('model_refused', `The model backend refused the request (${reason}).`, { reason, cause });
  const message = `The model backend answered with status ${status}.`;
  if (status < 500 || status === 501) return new ApiError('server', message, { retry: false, cause });
  return new ApiError('server', message, { cause, ...(pause && { headers: { 'retry-after': pause } }) });
}

async function startOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > MAX_BODY) break;
    }
  } catch {
    // The status alone tells enough; a body that breaks off changes nothing.
  }
  return text.slice(0, MAX_BODY);
}
