/** Paths of Anthropic's Messages API, and the types of its errors by our status. */
const MESSAGES = /^[^?]*\/v1\/messages(?=[/?]|$)/;
const TYPES: Readonly<Record<number, string>> = {
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  503: 'overloaded_error',
};

/** An error reply of the shim itself; its message reaches the client and reveals nothing internal. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly body: string;

  readonly #retry: boolean;

  /** `retry`: the same request can succeed a little later. */
  constructor(status: number, code: number | string, message: string, retry = false) {
    super(message);
    this.status = status;
    this.#retry = retry;
    const type = status === 429 ? 'rate_limit_error' : status < 500 ? 'invalid_request_error' : 'server_error';
    this.body = JSON.stringify({ error: { message, type, code, param: null } });
  }

  /**
   * Status, headers and body for a request to this path: the Messages API has statuses and a form of its own, as the handler has
   * them.
   */
  at(path: string | undefined, requestId: string | null): { status: number; headers: Headers; body: string } {
    const headers = this.headers();
    const { status, body, message } = this;
    if (!MESSAGES.test(path ?? '')) return { status, headers, body };
    const request_id = requestId ?? '';
    headers.set('request-id', request_id);
    const error = { type: TYPES[status] ?? 'invalid_request_error', message };
    return {
      status: status === 503 ? 529 : status,
      headers,
      body: JSON.stringify({ type: 'error', error, request_id }),
    };
  }

  /** The refusal as a Response. */
  toResponse(): Response {
    return new Response(this.body, { status: this.status, headers: this.headers() });
  }

  headers(): Headers {
    // As in the handler: a bad request does not get better when repeated.
    return new Headers({
      'content-type': 'application/json',
      ...(this.status < 500 && { 'x-should-retry': 'false' }),
      ...(this.#retry && { 'x-should-retry': 'true', 'retry-after': '1' }),
    });
  }
}

/** 500 for an unexpected failure; only the log gets the details. */
export function serverError(): Refusal {
  return new Refusal(500, 500, 'The server had an error while processing your request.');
}

/** 503 for a body without memory for it, as in the handler. */
export function overloaded(): Refusal {
  const message =
    'The server holds as many requests as it can (`limits.inFlight` in its configuration); try again in a moment.';
  return new Refusal(503, 'overloaded', message, true);
}

/** 413 for a request body over `limit` bytes. */
export function tooLarge(limit: number): Refusal {
  const message = `The request body is larger than ${limit} bytes (\`limits.body\` in the configuration).`;
  return new Refusal(413, 'request_too_large', message);
}
