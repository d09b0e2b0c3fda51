import { ApiError, type ErrorKind } from '../../errors.ts';
import { excerpt, log } from '../../log.ts';
import {
  type RefusalCode,
  type ResponseErrorCode,
  refusalCodes,
  responseErrorCodes,
} from '../../protocol/error-codes.ts';
import type { Upstream } from '../../transport.ts';
import { type ErrorWords, errorWords } from './error-words.ts';
import { nameIn } from './json-fields.ts';
import { rateLimitsIn } from './rate-limits.ts';
import { refusalIn } from './refusals.ts';
import { refusedField } from './refused-field.ts';
import { pauseIn } from './retry-pause.ts';
import { limitIn } from './said-limit.ts';

/** The most bytes of an error body that are read to classify it. */
const MAX_BODY = 64 * 1024;

/** The ApiError for a backend's reply that is not a success. Reads the start of its body, and cancels the rest. */
export async function failureOf(upstream: Upstream, fields: Fields = OURS): Promise<ApiError> {
  const limits = rateLimitsIn(upstream);
  return classify(upstream.status, await startOf(upstream.body), fields, upstream.header('retry-after'), limits);
}

/** The ApiError for an error that came inside a stream, as `error` of a chunk or as the whole of it. */
export function failureInStream(error: unknown, fields: Fields = OURS): ApiError {
  return classify(null, JSON.stringify(error) ?? '', fields);
}

/** How the client's own fields are found in a refusal. */
export interface Fields {
  /** The member that holds what the model reads. */
  input: string;
  /** As `refusedField` finds them. */
  refused(params: readonly string[], messages: readonly string[]): string | null | undefined;
}

/** Those of the Responses API. */
const OURS: Fields = { input: 'input', refused: refusedField };

/** The ApiError for a backend that cannot be reached or whose connection broke. */
export function connectionFailed(cause: unknown): ApiError {
  return new ApiError(
    'server',
    'The model backend could not be reached, or broke off: it is at `url` of its entry in `models`, or OPENAI_BASE_URL.',
    { cause },
  );
}

/** The ApiError for a backend that sends what its protocol does not know. */
export function garbled(cause: unknown): ApiError {
  return new ApiError('server', 'The model backend sent something that is not valid.', { cause });
}

/** Statuses of the names that errors inside a stream have in place of one. */
const STATUSES: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  BadRequestError: 400,
  ValidationException: 400,
  INVALID_ARGUMENT: 400,
  authentication_error: 401,
  UNAUTHENTICATED: 401,
  permission_error: 403,
  PERMISSION_DENIED: 403,
  not_found_error: 404,
  NotFoundError: 404,
  NOT_FOUND: 404,
  request_too_large: 413,
};

/** The status of an error inside a stream, by its numbers or names; 500 if it has none. */
function statusIn(words: ErrorWords): number {
  const names = words.all('code', 'status', 'status_code', 'statusCode', 'error_code', 'type', 'error_type', '__type');
  for (const name of names) {
    const status = STATUSES[name] ?? Number(name);
    if (status >= 400 && status < 600) return status;
  }
  return 500;
}

/** API codes that say no more than the error kind. */
const GENERIC_CODES = new Set<string>(['server_error', 'rate_limit_exceeded']);

/** The first of these codes in an error. */
function codeIn<Code extends string>(words: ErrorWords, codes: readonly Code[]): Code | undefined {
  const found = words.all('code');
  return codes.find((known) => found.includes(known) && !GENERIC_CODES.has(known));
}

/** The ApiError for an error of a backend; a `status` of null is to be found in its words. */
function classify(
  httpStatus: number | null,
  body: string,
  fields: Fields,
  retryAfter: string | null = null,
  rateLimits: Readonly<Record<string, string>> = {},
): ApiError {
  const words = errorWords(body);
  const status = httpStatus ?? statusIn(words);
  // Error bodies may repeat user content, so the cause's JSON, which is logged at every level, has none of it.
  const [type, code] = [words.all('type')[0], words.all('code')[0]];
  const cause = { status, body, toJSON: () => ({ status, type: nameIn(type), code: nameIn(code) }) };
  log.debug('a model backend refused', () => ({ status, body: excerpt(body) }));
  const reason = codeIn(words, responseErrorCodes);
  const pause = pauseIn(words, retryAfter);
  switch (kindOf(httpStatus, status, body, words, reason)) {
    case 'quota':
      return new ApiError('quota', 'The quota at the model backend is used up.', { cause });
    case 'credentials':
      return new ApiError(
        'server',
        'The model backend refused our credentials: `key` of its entry in `models`, or OPENAI_API_KEY.',
        {
          retry: false,
          cause,
        },
      );
    case 'rate_limit': {
      const wait = pause && /^\d+$/.test(pause) ? ` Please try again in ${pause}s.` : '';
      // A request above the limit itself is refused whenever it comes.
      const retry = /request too large/i.test(words.gist) ? ({ retry: false } as const) : {};
      const headers = { ...rateLimits, 'retry-after': pause ?? '1' };
      return new ApiError('rate_limit', `The model backend is at its rate limit.${wait}`, { headers, ...retry, cause });
    }
    case 'context_length': {
      const message = "The input, with the output asked for, does not fit the model's context window.";
      return new ApiError('context_length', message, { param: fields.input, context: limitIn(words.gist), cause });
    }
    case 'model_not_found':
      return new ApiError('model_not_found', 'The model backend does not have this model.', { param: 'model', cause });
    case 'too_large':
      return new ApiError('too_large', 'The request is larger than the model backend takes.', { cause });
    case 'model_refused':
      return refused(words, fields, reason ?? codeIn(words, refusalCodes), cause);
  }
  if (reason) return new ApiError('server', `The model backend failed (${reason}).`, { reason, cause });
  const where = status === 404 ? ': look at `url` of its entry in `models`, or OPENAI_BASE_URL; most end with /v1' : '';
  const message = `The model backend answered with status ${status}${where}.`;
  if (status < 500 || status === 501) return new ApiError('server', message, { retry: false, cause });
  return new ApiError('server', message, { cause, ...(pause && { headers: { 'retry-after': pause } }) });
}

/** What an error is: by its words if a row of the table has them, else by its status. */
function kindOf(
  httpStatus: number | null,
  status: number,
  body: string,
  words: ErrorWords,
  reason: ResponseErrorCode | undefined,
): ErrorKind | 'credentials' {
  const said = refusalIn(words.gist)?.kind;
  if (said === 'quota' || status === 402) return 'quota';
  if (status === 401) return 'credentials';
  if (status === 429) return 'rate_limit';
  // A reply's 5xx may quote anything, but says what failed; only an unknown model is never told by one.
  if (said && !(said === 'model_not_found' && (httpStatus ?? 0) >= 500)) return said;
  if (reason === 'vector_store_timeout') return 'server';
  if (reason) return 'model_refused';
  if (status === 403) return 'credentials';
  if (status === 413) return body.trim() === '' ? 'context_length' : 'too_large'; // Cerebras sends no body
  const isPage = /^\s*</.test(body); // of a proxy, which knows nothing of the request
  return (status === 400 || status === 422) && !isPage ? 'model_refused' : 'server';
}

/** The ApiError for a refusal of what the client sent, by the client's own name for it where the error has one. */
function refused(
  words: ErrorWords,
  fields: Fields,
  code: ResponseErrorCode | RefusalCode | undefined,
  cause: unknown,
): ApiError {
  const field = fields.refused(words.all('param', 'loc'), words.all('message', 'msg', 'detail', 'error', 'raw'));
  if (field === null) {
    return new ApiError('server', 'The model backend refused a member that the request does not have.', {
      retry: false,
      cause,
    });
  }
  const what = field ? `${field}: it does not take this value` : 'the request';
  const message = `The model backend refused ${what}${code ? ` (${code})` : ''}.`;
  return new ApiError('model_refused', message, {
    ...(field && { param: field }),
    ...(code && { reason: code }),
    cause,
  });
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
