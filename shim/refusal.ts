/** An answer the shim gives by itself; its message reaches the client and says nothing of the server's inside. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly body: string;

  readonly #retry: boolean;

  /** `retry` says that the same request will be served a little later. */
  constructor(status: number, code: number | string, message: string, retry = false) {
    super(message);
    this.status = status;
    this.#retry = retry;
    const type = status === 429 ? 'rate_limit_error' : status < 500 ? 'invalid_request_error' : 'server_error';
    this.body = JSON.stringify({ error: { message, type, code, param: null } });
  }

  /** The same as a Response, for a door that takes one. */
  toResponse(): Response {
    return new Response(this.body, { status: this.status, headers: this.headers() });
  }

  headers(): Headers {
    // As the handler has it: what is wrong with a request does not get better by asking again.
    return new Headers({
      'content-type': 'application/json',
      ...(this.status < 500 && { 'x-should-retry': 'false' }),
      ...(this.#retry && { 'x-should-retry': 'true', 'retry-after': '1' }),
    });
  }
}

/** What any unexpected failure becomes: a 500 without a word of the failure itself, which only the log gets. */
export function serverError(): Refusal {
  return new Refusal(500, 500, 'The server had an error while processing your request.');
}

/** For a body that there is no room for, as the handler has it. */
export function overloaded(): Refusal {
  const message = 'The server holds as many requests as it can; try again in a moment.';
  return new Refusal(503, 'overloaded', message, true);
}

/** For a request body of more than `limit` bytes. */
export function tooLarge(limit: number): Refusal {
  return new Refusal(413, 'request_too_large', `The request body is larger than the limit of ${limit} bytes.`);
}
