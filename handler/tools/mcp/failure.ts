import { EgressError } from '../../egress/egress.ts';
import { type ApiError, unreachable } from '../../errors.ts';
import type { McpError } from '../../items/mcp.ts';
import { parseObject } from '../../parse-json.ts';
import { isObject } from '../../protocol/json.ts';

/** A reply that is none of the protocol; the message says what is wrong with it. */
export class BadReply extends Error {
  override readonly name = 'BadReply';
}

/** A server wants other credentials. */
export class CredentialsRefused extends Error {
  override readonly name = 'CredentialsRefused';
  readonly status: number;
  /** What it says of the token that it wants, as `www-authenticate` has it. */
  readonly challenge: string;

  constructor(status: number, challenge: string) {
    super(`HTTP ${status}`);
    this.status = status;
    this.challenge = challenge;
  }
}

/** A server does not open the stream of the older HTTP. */
export class StreamRefused extends Error {
  override readonly name = 'StreamRefused';
  readonly data: { readonly status: number };

  constructor(status: number) {
    super(`HTTP ${status}`);
    this.data = { status };
  }
}

/** The JSON-RPC code of arguments that are not what a method takes. */
const INVALID_PARAMS = -32_602;

/** The most characters of a server's own words. */
const MAX_WORDS = 500;

/** Whether a server may speak an older way than the one that it was asked in. */
export function isFallback(error: unknown): boolean {
  const status = statusOf(error);
  return status !== undefined && [400, 404, 405, 406, 415, 501].includes(status);
}

/** The `id` of an error of which a server does not know what it answers, by JSON-RPC, and in place of that by the official package of PyPI. */
const UNREAD = new Set<unknown>([null, 'server-error']);

/** What servers say of a request without a session that they know. */
const NO_SESSION = /\bsession\b|not initialized/i;

/**
 * Whether a server has refused a request before it read it, since it knows the session no more: 404 by the protocol, where the request had a session,
 * and 400 by many servers. Any other request may have been carried out, whatever the words of its failure.
 */
export function isLost(error: unknown, hadSession: boolean): boolean {
  const status = statusOf(error);
  if (status !== 400 && status !== 404) return false;
  const answer = answerIn(error);
  if (status === 404) return hadSession && (answer === undefined || UNREAD.has(answer.id));
  return answer !== undefined && UNREAD.has(answer.id) && NO_SESSION.test(answer.message);
}

/** Whether a server says that there is no such tool, or that its arguments are others than they were. */
export function isOutdated(error: unknown): boolean {
  return isProtocolError(error) && (error.code === INVALID_PARAMS || error.code === -32_601);
}

/** Why a call has no result. */
export function callError(error: unknown): McpError {
  const refused = causeOf(error, (cause) => cause instanceof CredentialsRefused);
  if (refused instanceof CredentialsRefused)
    return { type: 'http_error', code: refused.status, message: `The server does not take the credentials.` };
  const blocked = causeOf(error, (cause) => cause instanceof EgressError);
  if (blocked instanceof EgressError) {
    return { type: 'http_error', code: blocked.reason === 'timeout' ? 504 : 502, message: blocked.message };
  }
  if (isProtocolError(error)) return { type: 'mcp_protocol_error', code: error.code, message: clip(error.message) };
  const bad = causeOf(error, (cause) => cause instanceof BadReply);
  if (bad instanceof BadReply) return { type: 'mcp_protocol_error', code: -32_603, message: bad.message };
  if (error instanceof Error && error.name === 'TimeoutError') return slow();
  const code = sdkCodeOf(error);
  if (code === 'ENOENT' || code === 'EACCES')
    return { type: 'http_error', code: 502, message: 'The program of the server could not be started.' };
  if (code === 'UNSUPPORTED_RESULT_TYPE') {
    const message = 'The tool asks for more input of the user, which cannot be given here.';
    return { type: 'mcp_protocol_error', code: -32_603, message };
  }
  if (code === 'REQUEST_TIMEOUT') return slow();
  if (code === 'CONNECTION_CLOSED' || code === 'NOT_CONNECTED')
    return { type: 'http_error', code: 502, message: 'The connection to the server broke off.' };
  const status = statusOf(error);
  if (status !== undefined) return { type: 'http_error', code: status, message: `The server answered HTTP ${status}.` };
  return { type: 'http_error', code: 500, message: 'An unknown error occurred while executing the tool.' };
}

function slow(): McpError {
  return { type: 'http_error', code: 504, message: 'The server did not answer in time.' };
}

/** The arguments of a call that are no object. */
export function badArguments(): McpError {
  return { type: 'mcp_protocol_error', code: INVALID_PARAMS, message: 'The arguments are not a JSON object.' };
}

/** The error of a request whose server lists no tools, and why in words of ours. */
export function listingError(label: string, error: unknown, hasToken: boolean): { failure: ApiError; why: string } {
  const why = whyNotListed(error, hasToken);
  const told = `Error retrieving tool list from MCP server: '${label}'. Http status code: 424 (Failed Dependency). ${why}`;
  return { failure: unreachable(told, error), why };
}

function whyNotListed(error: unknown, hasToken: boolean): string {
  const refused = causeOf(error, (cause) => cause instanceof CredentialsRefused);
  if (!(refused instanceof CredentialsRefused)) {
    const { type, ...rest } = callError(error);
    const message = 'message' in rest ? rest.message : type;
    return type === 'mcp_protocol_error' ? `It says: ${message}` : message;
  }
  if (refused.status === 403) return 'It answered 403: its tools are not for these credentials.';
  const scope = /scope="([^"]{1,100})"/.exec(refused.challenge)?.[1];
  const metadata = /resource_metadata="(https?:\/\/[^"]{1,200})"/.exec(refused.challenge)?.[1];
  const details = [...(scope ? [`scope ${scope}`] : []), ...(metadata ? [`see ${metadata}`] : [])].join(', ');
  const asks = hasToken ? 'does not take the token' : 'asks for a token';
  return `It answered 401: it ${asks}${details ? ` (${details})` : ''}. Send ${hasToken ? 'another' : 'one'} as \`authorization\`.`;
}

function isProtocolError(error: unknown): error is Error & { code: number } {
  return error instanceof Error && error.name === 'ProtocolError' && 'code' in error && typeof error.code === 'number';
}

function sdkCodeOf(error: unknown): string | undefined {
  const found = causeOf(error, (cause) => isObject(cause) && typeof cause.code === 'string');
  return isObject(found) ? `${found.code}` : undefined;
}

function statusOf(error: unknown): number | undefined {
  if (isProtocolError(error)) return undefined; // it came with 200, and its `data` is the server's to fill
  const found = causeOf(
    error,
    (cause) => isObject(cause) && isObject(cause.data) && typeof cause.data.status === 'number',
  );
  return isObject(found) && isObject(found.data) ? Number(found.data.status) : undefined;
}

/** The error of JSON-RPC in the body of a reply that was none with 200. */
function answerIn(error: unknown): { id: unknown; message: string } | undefined {
  const found = causeOf(
    error,
    (cause) => isObject(cause) && isObject(cause.data) && typeof cause.data.text === 'string',
  );
  const text = isObject(found) && isObject(found.data) ? String(found.data.text) : '';
  const { jsonrpc, id = null, error: told } = parseObject(text) ?? {};
  if (jsonrpc !== '2.0' || !isObject(told)) return undefined;
  return { id, message: typeof told.message === 'string' ? told.message : '' };
}

/** The first of an error and its causes that it holds of. */
function causeOf(error: unknown, holds: (cause: unknown) => boolean): unknown {
  for (let [cause, left] = [error, 8]; cause !== undefined && left > 0; left--) {
    if (holds(cause)) return cause;
    const { cause: next, data }: { cause?: unknown; data?: unknown } = Object(cause);
    cause = next ?? (isObject(data) ? data.cause : undefined);
  }
  return undefined;
}

function clip(text: string): string {
  return text.length > MAX_WORDS ? `${text.slice(0, MAX_WORDS)}...` : text;
}
