import { clip, startOf } from './error-text.ts';
import type { RefusalCode, ResponseErrorCode } from './protocol/error-codes.ts';
import { redact } from './redact.ts';

/**
 * Status, type and code of each kind of error; `openai` is what differs in OpenAI's style, `again` whether trying
 * again may mend it.
 */
const kinds = {
  malformed_json: { status: 400, type: 'invalid_request_error', code: 400, openai: { code: 'invalid_json' } },
  path: { status: 400, type: 'invalid_request_error', code: 400, openai: { code: null } },
  corrupt_body: { status: 400, type: 'invalid_request_error', code: 400, openai: { code: null } },
  missing: {
    status: 422,
    type: 'invalid_request_error',
    code: 422,
    openai: { status: 400, code: 'missing_required_parameter' },
  },
  invalid_type: {
    status: 422,
    type: 'invalid_request_error',
    code: 422,
    openai: { status: 400, code: 'invalid_type' },
  },
  invalid_value: {
    status: 422,
    type: 'invalid_request_error',
    code: 422,
    openai: { status: 400, code: 'invalid_value' },
  },
  unsupported: {
    status: 422,
    type: 'invalid_request_error',
    code: 422,
    openai: { status: 400, code: 'unsupported_parameter' },
  },
  refused: { status: 400, type: 'invalid_request_error', code: null },
  previous_not_found: { status: 400, type: 'invalid_request_error', code: 'previous_response_not_found' },
  previous_not_usable: {
    status: 400,
    type: 'invalid_request_error',
    code: 'previous_response_not_usable',
    again: 'perhaps',
  },
  unreadable: { status: 400, type: 'invalid_request_error', code: 'invalid_encrypted_content' },
  conversation_locked: {
    status: 400,
    type: 'invalid_request_error',
    code: 'conversation_locked',
    again: 'perhaps',
  },
  model_refused: { status: 400, type: 'invalid_request_error', code: null },
  context_length: { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded' },
  stream_id: { status: 400, type: 'invalid_request_error', code: 'invalid_stream_id' },
  stream_limit: { status: 400, type: 'invalid_request_error', code: 'websocket_stream_limit_reached' },
  connection_limit: {
    status: 400,
    type: 'invalid_request_error',
    code: 'websocket_connection_limit_reached',
    again: 'yes', // over a new one
  },
  credentials: { status: 401, type: 'invalid_request_error', code: 'invalid_api_key' },
  permissions: { status: 403, type: 'invalid_request_error', code: 'insufficient_permissions' },
  model_access: { status: 403, type: 'invalid_request_error', code: 'model_not_found' },
  host: { status: 403, type: 'invalid_request_error', code: 'host_not_allowed' },
  origin: { status: 403, type: 'invalid_request_error', code: 'origin_not_allowed' },
  not_found: { status: 404, type: 'invalid_request_error', code: null },
  model_not_found: {
    status: 404,
    type: 'invalid_request_error',
    code: 'model_not_found',
    openai: { status: 400, code: 'model_not_found' },
  },
  method_not_allowed: { status: 405, type: 'invalid_request_error', code: 'method_not_allowed' },
  idempotency_in_progress: {
    status: 409,
    type: 'invalid_request_error',
    code: 'idempotency_in_progress',
    again: 'yes',
  },
  shredded: { status: 410, type: 'invalid_request_error', code: 'tenant_key_dropped' },
  too_large: { status: 413, type: 'invalid_request_error', code: 'request_too_large' },
  unsupported_media: { status: 415, type: 'invalid_request_error', code: 'unsupported_media_type' },
  connector: { status: 424, type: 'external_connector_error', code: 'http_error', again: 'perhaps' },
  no_websocket: { status: 426, type: 'invalid_request_error', code: 'websocket_not_supported' },
  cancelled: { status: 499, type: 'invalid_request_error', code: 'cancelled' }, // nobody is left to read it; for the log
  too_many_waiting: { status: 429, type: 'invalid_request_error', code: 'too_many_requests_waiting', again: 'yes' },
  rate_limit: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', again: 'perhaps' },
  quota: { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' },
  caller_limit: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', again: 'yes' },
  allowance: { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', again: 'yes' },
  overloaded: { status: 503, type: 'server_error', code: 'overloaded', again: 'yes' },
  stopping: { status: 503, type: 'server_error', code: 'server_stopping', again: 'yes' },
  storage_full: { status: 507, type: 'server_error', code: 'storage_full' },
  server: { status: 500, type: 'server_error', code: 500, openai: { code: 'server_error' }, again: 'perhaps' },
} as const satisfies Record<string, KindRow>;

interface KindRow {
  status: number;
  type: string;
  code: number | string | null;
  openai?: { status?: number; code: string | null };
  /** Absent: it cannot, however often. */
  again?: 'yes' | 'perhaps';
}

/** What went wrong, as a key of the one table of statuses, types and codes. */
export type ErrorKind = keyof typeof kinds;

/** Every kind of error; `docs/errors.md` has a row for each. */
export const errorKinds = Object.keys(kinds) as ErrorKind[]; // the keys are the kinds

/** Which statuses and codes clients get: the three tiers, or OpenAI's own. */
export type ErrorStyle = 'tiers' | 'openai';

/** The body of every error reply, under 1 KiB whatever the request held and a model's server said. */
export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: number | string | null };
}

/** The longest message and field path, in characters: with each one escaped, as quotes are, the body stays under 1 KiB. */
const MAX_MESSAGE = 320;
const MAX_PARAM = 120;

/**
 * The one error that crosses a boundary: its message, kind and field reach the client, its `cause` only the log.
 * Messages name fields, words of the API that stand there and what could stand there instead, and where an operator can change
 * that, the key of the configuration. They repeat nothing else that the client or a backend sent.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly kind: ErrorKind;
  readonly param: string | null;
  /** The API's code for a model server's failure or refusal, if the server sent one. It replaces the code of the kind. */
  readonly reason: ResponseErrorCode | RefusalCode | null;
  /** OpenAI's more exact code, in its style. */
  readonly #finer: RefusalCode | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** The context in tokens that a model server named where an input did not fit it. */
  readonly context: number | null;
  /** The limit of ours that it met, as the log and metrics name it: whose it is and what it limits, such as `tenant.requests`. */
  readonly limit: string | undefined;
  readonly #detail: string | undefined;
  /** The message for clients, with the detail. The log has `message`, since a detail may quote what a user wrote. */
  readonly told: string;

  constructor(kind: ErrorKind, message: string, details: ApiErrorDetails = {}) {
    super(clip(message, MAX_MESSAGE), { cause: details.cause });
    this.kind = kind;
    this.param = details.param == null ? null : clip(details.param, MAX_PARAM);
    this.reason = details.reason ?? null;
    this.context = details.context ?? null;
    this.limit = details.limit;
    this.#finer = details.finer;
    this.#detail = details.detail;
    this.told = details.detail ? `${this.message} It says: ${startOf(redact(details.detail))}` : this.message;
    this.headers = { ...retryHeader(kind, details.retry), ...details.headers };
  }

  /** The same error, whose message goes on with this. */
  and(more: string): ApiError {
    return this.#copy(`${this.message} ${more}`, this.headers);
  }

  /** The same error, with these headers of its reply besides. */
  withHeaders(headers: Readonly<Record<string, string>>): ApiError {
    return this.#copy(this.message, { ...this.headers, ...headers });
  }

  /** The same error for a client that knows its field by another name. */
  about(param: string): ApiError {
    const message = this.param === null ? this.message : this.message.replaceAll(this.param, () => param);
    return this.#copy(message, this.headers, param);
  }

  #copy(message: string, headers: Record<string, string>, param = this.param): ApiError {
    const { kind, reason, context, cause, limit } = this;
    return new ApiError(kind, message, {
      ...{ param, headers, cause, limit, finer: this.#finer },
      ...(reason && { reason }),
      ...(context !== null && { context }),
      ...(this.#detail !== undefined && { detail: this.#detail }),
    });
  }

  get type(): string {
    return kinds[this.kind].type;
  }

  /** The code inside a stream, where the SDKs' types admit only strings. */
  get streamCode(): string | null {
    const row: KindRow = kinds[this.kind];
    if (this.reason) return this.reason;
    return typeof row.code === 'string' ? row.code : (row.openai?.code ?? null);
  }

  /** Status and body of the HTTP reply. */
  reply(style: ErrorStyle): { status: number; body: ErrorBody } {
    const row: KindRow = kinds[this.kind];
    const isOpenAIs = style === 'openai';
    const { status = row.status, code } = (isOpenAIs && row.openai) || row;
    const exact = this.reason ?? (isOpenAIs ? this.#finer : undefined);
    return {
      status,
      body: { error: { message: this.told, type: row.type, param: this.param, code: exact ?? code } },
    };
  }
}

/**
 * The `x-should-retry` header of the SDKs: `false` if a retry is useless, `true` if it will help. Absent if it may
 * help: the SDKs then go by status (they retry 408, 409, 429 and from 500 on).
 */
function retryHeader(kind: ErrorKind, retry?: false): Record<string, string> {
  const { again }: KindRow = kinds[kind];
  if (retry !== false && again === 'perhaps') return {};
  return { 'x-should-retry': String(retry !== false && again === 'yes') };
}

/** What an ApiError may add to its message; `headers` go out with the reply. */
export interface ApiErrorDetails {
  param?: string | null;
  reason?: ResponseErrorCode | RefusalCode;
  /** OpenAI's code where it is more exact than that of the kind. */
  finer?: RefusalCode | undefined;
  /** False for one that comes again however often the client tries, though others of its kind may not. */
  retry?: false;
  headers?: Record<string, string>;
  context?: number | undefined;
  limit?: string | undefined;
  /** What the model's server said, where clients may hear it; without secrets and cut before they do. */
  detail?: string;
  cause?: unknown;
}

/** An ApiError as it is; anything else becomes a 500 whose text says nothing of what happened. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError('server', 'The server had an error while processing your request.', { cause: error });
}

/** A member that is not there. */
export function missing(param: string): ApiError {
  return new ApiError('missing', `${param} field is required`, { param });
}

/** The error of a model that makes more than a turn may hold; `what` is the limit. */
export function endless(what: string): ApiError {
  return new ApiError('server', `The turn was ended: the model made more than ${what}.`);
}

/** What a tool of the request cannot connect to; the message says what that is and how it failed, in words of ours. */
export function unreachable(message: string, cause?: unknown): ApiError {
  return new ApiError('connector', message, { param: 'tools', cause });
}

/** A member that is known but cannot be honoured; `why` completes a sentence that begins with the field. */
export function unsupported(param: string, why = 'is not supported'): ApiError {
  return new ApiError('unsupported', `${param} ${why}`, { param });
}

/** The error of an aborted turn: the signal's ApiError, else that its client left. */
export function whyAborted({ reason }: AbortSignal): ApiError {
  return reason instanceof ApiError ? reason : new ApiError('cancelled', 'The client has left.', { cause: reason });
}

/** A body that is not what its content-encoding says. */
export function corruptBody(cause: unknown): ApiError {
  return new ApiError('corrupt_body', 'The request body is not valid in its content-encoding.', { cause });
}

/** A body that would grow too large; `how` says in which way, if not by its size. */
export function inflatedTooLarge(limit: number, how = `larger than ${limit} bytes`): ApiError {
  return new ApiError(
    'too_large',
    `The decompressed request body is ${how} (\`limits.inflated\` in the configuration).`,
  );
}

/** What could stand for a word of the API: short, and nothing but letters, digits and some marks. */
const WORD = /^[\w./:-]{1,64}$/;

/** A value in quotes if it may be a word of the API: short, plain, and no secret. Undefined for any other. */
export function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && WORD.test(value) && redact(value) === value ? `"${value}"` : undefined;
}
