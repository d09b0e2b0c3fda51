import { ApiError } from '../../errors.ts';
import type { MessagesErrorBody } from './events.ts';

/** The header by which a client says which version of the Messages API it speaks. */
export const VERSION_HEADER = 'anthropic-version';
/**
 * The versions that are spoken here, the newest first. They differ in what Anthropic refuses of a request, and in no reply; what the
 * newer one refuses is taken here (https://platform.claude.com/docs/en/api/versioning).
 */
export const VERSIONS = ['2026-10-21', '2023-06-01'] as const;

/** Throws an ApiError for a client that says no version of the API, or another, as Anthropic does. */
export function requireVersion(given: string | undefined): void {
  if (VERSIONS.some((version) => version === given)) return;
  const why = given === undefined ? 'header is required' : 'is not a valid version';
  const message = `${VERSION_HEADER}: ${why}: send ${VERSIONS.join(' or ')}.`;
  throw new ApiError('refused', message, { param: VERSION_HEADER });
}

/** Whether a request is for the Messages API, by its path below the base path, mistaken or not, and what it says of itself. */
export function speaksMessages(path: string, headers: Headers): boolean {
  return /^(\/v1)*\/messages(\/|$)/.test(path) || (/^\/v1\/models(\/|$)/.test(path) && headers.has(VERSION_HEADER));
}

/** The statuses that Anthropic has others for; what is not here stays. */
const STATUSES: Readonly<Record<number, number>> = { 422: 400, 503: 529, 507: 500 };

/** The types of errors by status; every other one is an `invalid_request_error`. */
const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
};

/** By the field that is refused, the code by which Anthropic's SDKs know what to do: to send the same without it. */
const DETAILS: Readonly<Record<string, object>> = {
  thread: { error_code: 'thread_unsupported_request', unsupported: [] },
};

/** Status and body of an error as Anthropic has them. The message names the field, as the body has no place for it. */
export function messagesError(error: ApiError, request_id: string): { status: number; body: MessagesErrorBody } {
  const { kind, param, told } = error;
  const own = error.reply('tiers').status;
  const status = kind === 'quota' ? 402 : (STATUSES[own] ?? own);
  const named = param === null || told.includes(param) ? told : `${param}: ${told}`;
  // Clients that make room for more know it by these words.
  const message = kind === 'context_length' ? `prompt is too long: ${named}` : named;
  const details = kind === 'unsupported' && param !== null ? DETAILS[param] : undefined;
  const said = { type: TYPES[status] ?? 'invalid_request_error', message, ...(details && { details }) };
  return { status, body: { type: 'error', error: said, request_id } };
}
