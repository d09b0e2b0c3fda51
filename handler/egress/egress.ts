/** The part of `fetch` that tools use; only text, bytes and what a Response can be made of are bodies, and each hop sends them again. */
export type FetchLike = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** The one way out for URLs that a request, a tool, a page or the configuration of a tool names. */
export interface Egress {
  /**
   * A fetch within these rules. It rejects with an EgressError, or with the reason of the signal, and so does reading a body. `url`
   * of a reply is where it came from in the end.
   */
  open(rules: EgressRules): FetchLike;
}

/** What one use of the egress may do. */
export interface EgressRules {
  /** Bytes of a body, after decompression. Past it: reading gives as many, and then throws. */
  maxBytes: number;
  /**
   * Milliseconds to the end of the headers, whatever redirects there are, and of silence in the body: of the server, or of whoever
   * does not read it. Default: 30 s.
   */
  timeout?: number;
  /** Milliseconds of silence in a stream of events that a GET has opened, in place of that. */
  silence?: number;
  /** Milliseconds to the end of the body. Default: none. */
  deadline?: number;
  /** Content types that a successful reply may have, without parameters, such as `text/html` and `text/*`. Default: any. */
  types?: readonly string[];
  /** A URL of the configuration: its origin may be private. No other may, nor where its redirects lead. */
  configured?: string | URL;
  /** Redirects that are followed. Default: 5. */
  redirects?: number;
  /**
   * Headers that go to the origin that was asked for, and to none that a redirect leads to, beside those that are credentials by their names
   * (`authorization`, `x-api-key`).
   */
  credentials?: readonly string[];
}

/** Why a request was not made, or its reply not taken. */
export type EgressReason =
  | 'url'
  | 'private'
  | 'request'
  | 'unreachable'
  | 'timeout'
  | 'redirect'
  | 'content_type'
  | 'encoding'
  | 'too_large'
  | 'broken';

/**
 * A request that the egress refused, or that failed. The message is for models and clients: it tells no address, and not whether a
 * name that is not public exists. `cause` is for the log.
 */
export class EgressError extends Error {
  override readonly name = 'EgressError';
  readonly reason: EgressReason;

  constructor(reason: EgressReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** The addresses that one request may connect to. Connections are shared by requests with the same `key`, and by no others. */
export interface Reach {
  readonly key: string;
  /** Whether an address, as a resolver or a socket writes it, is one of them. */
  permits(address: string): boolean;
}

/** One request to one server, its URL checked as far as that needs no resolver. */
export interface OutgoingRequest {
  url: URL;
  method: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer> | undefined;
  reach: Reach;
  /** The most bytes of the body that will be read. */
  maxBytes: number;
  signal: AbortSignal;
}

/** The reply of one server; a redirect is one. */
export interface OutgoingReply {
  status: number;
  headers: Headers;
  /** Undefined where there is none. */
  body: OutgoingBody | undefined;
}

/** A decoded body as it arrives. */
export interface OutgoingBody {
  /** The next bytes; undefined at the end. Called once at a time. */
  read(): Promise<Uint8Array | undefined>;
  /** Ends it, and its connection unless another request can use that. Called once or more, while `read` may wait. */
  close(): void;
}

/**
 * Makes one request, without redirects, proxies of the environment, cookies or a cache. Where the runtime can it connects only to
 * addresses within `reach`, checked as they are connected to. Rejects with an EgressError, the reason of the signal, or whatever failed.
 */
export interface EgressConnect {
  (request: OutgoingRequest): Promise<OutgoingReply>;
  /** Whether it checks addresses. Default: no, and the platform has to. */
  readonly checksAddresses?: boolean;
}

/** The one message for names that have no address, or none that may be reached: who asks learns nothing of a network. */
export function notPublic(cause?: unknown): EgressError {
  return new EgressError('private', 'The host has no public address that this server may connect to.', cause);
}
