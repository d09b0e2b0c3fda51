export { fixedLimits } from './fixed-limits.ts';

/**
 * Every limit that the configuration can set, in one type; sizes in bytes, times in milliseconds. docs/limits.md is made of
 * these comments: the reason, and from "Past it:" on what a caller sees.
 */
export interface Limits {
  /** A request body as sent. 32 MiB holds a long conversation with a few images. Past it: 413. */
  body: number;
  /** A request body after decompression; twice the body, since text rarely needs more and bombs do. Past it: 413. */
  inflated: number;
  /**
   * A reply. Envoy takes a streamed one without backpressure, so this bounds what a slow reader can pile up there. Past it: a
   * stream ends in `response.failed`, and a JSON reply is a 500.
   */
  reply: number;
  /**
   * What a turn goes on from, and a page of a list, as JSON: as much as one request may hold, since a client could send it.
   * It is more than any model reads, and each such turn holds it in memory. Past it: 400 `context_length_exceeded`; a page
   * ends earlier and says that there is more.
   */
  history: number;
  /**
   * Items of an input, and of a response that a WebSocket remembers: more than an agent makes in days, and each is checked,
   * kept and told to the model by itself. Past it: 422, `input`; the response is not remembered.
   */
  items: number;
  /**
   * Tools that a model is offered, those in namespaces, those that wait to be found and those of earlier turns included: more
   * than any model chooses among. Past it: 422, `tools` or `input`.
   */
  tools: number;
  /**
   * Turns made at a time by one process for clients that wait for them, over HTTP and WebSockets: twice as many as it was seen to
   * hold. Past it: they wait, as many again; the next place is the caller's who holds the fewest. Past that: 503 `overloaded`.
   */
  turns: number;
  /**
   * What one caller may have at a time in one process: `turns` and `backgroundTurns` made or waiting, `connections` to the plain
   * HTTP listener, and `sockets`, its WebSockets. A caller is an address, or the /64 of an IPv6 one. Past it: 429
   * `rate_limit_exceeded` with `retry-after`. On Workers: `turns` and `sockets` of one isolate.
   */
  perCaller: {
    turns?: number | undefined;
    backgroundTurns?: number | undefined;
    connections?: number | undefined;
    sockets?: number | undefined;
  };
  /** A whole turn, all its rounds: ten minutes, as the openai clients wait by default. Past it: the turn fails. */
  turn: number;
  /**
   * A whole turn in the background, which nobody waits for: an hour, for long tool loops and slow models. Past it: the turn
   * fails. On Workers: the platform ends one after 15 minutes.
   */
  background: number;
  /**
   * Turns in the background that one process makes at a time, as many as a busy model server takes. Past it: others stay
   * `queued`. On Workers: none, since each is made by an object of its own.
   */
  backgroundTurns: number;
  /**
   * What the process holds at a time for all its callers: bodies, histories, replies that wait to be read, messages of
   * WebSockets; parsed JSON counts at four times its bytes. The default is a quarter of the memory that the process may use
   * (the container's limit, else the machine's), and at most half of Node's heap; where a runtime does not tell, it is 512 MiB.
   * Past it: 503 `overloaded` with `retry-after`; what would not fit an idle server is 413, or 400 `context_length_exceeded`
   * for a history. On Workers: 64 MiB, which has room for a body of 16 MiB.
   */
  inFlight: number;
  /**
   * How long a client on plain HTTP may read nothing of what waits for it, as long as Envoy gives its own. Past it: its
   * connection is closed. On Workers: the platform decides.
   */
  unread: number;
  /** The longest silence of a model backend; a queued model sends not even headers for a while. Past it: the turn fails. */
  idle: number;
  /**
   * How long a stream's head waits for the model server's status: refusals are quick, while some servers send their head only
   * after reading the prompt. Past it: the stream begins, and a later refusal is its `response.failed`.
   */
  head: number;
  /**
   * The pause after which a silent stream gets a comment and a WebSocket a ping, below the 60 s at which proxies tend to give
   * up. Past it: the comment is sent, and nothing else happens. On Workers: WebSockets get no ping.
   */
  keepAlive: number;
  /**
   * Model calls in one turn of the server-side tool loop; a model that still calls tools then is going in circles. Past it:
   * the response is incomplete, for `max_messages`.
   */
  rounds: number;
  /**
   * Calls of server-side tools that one turn runs at a time: as many as a person would start at once. Past it: the others of the round
   * wait.
   */
  toolCalls: number;
  /**
   * How long a server-side tool may take to open, or for one call: searches and pages take seconds. Past it: what does not open is 424
   * `external_connector_error`; a call has failed, which the model reads, and the turn goes on.
   */
  tool: number;
  /**
   * What one call of a server-side tool tells the model: more than any model reads of it. Past it: it is cut, with a word to the model.
   */
  toolResult: number;
  /**
   * How long a hook of a program may take: it may ask another model. Past it: a request is a 500, a response fails, and the log says why.
   */
  hook: number;
  /**
   * How long a stopping server waits for what is in flight: below the 30 s after which Kubernetes kills. Past it: turns end
   * as failed. On Workers: the platform decides.
   */
  drain: number;
  /**
   * How long the plain HTTP listener of a stopping server still takes requests, as a part of `drain`: until those who route to
   * it have seen `/readyz`. Past it: connections are refused. On Workers: the platform decides.
   */
  linger: number;
  /**
   * How long a WebSocket may be open, as at OpenAI: balancers get to spread clients again, and what it remembers goes. Past
   * it: closed with 1001, never in the middle of a response.
   */
  connection: number;
  /**
   * How long a WebSocket may be of no use: as long as its user thinks about the next turn, since it holds what was said. Past
   * it: closed with 1001.
   */
  connectionIdle: number;
  /**
   * How long a process that has fallen silent may still hold its turns. Past it: they have failed, or, in the background, are
   * taken over.
   */
  lease: number;
  /**
   * The whole database, without what is free in it. None, unless it is set: a server that is brought up to date must not refuse
   * what it took before. Past it: 507 `storage_full` for what would keep more; reading and deleting go on. On Workers: as D1
   * measures it, which itself ends at 10 GB.
   */
  stored: number;
  /** How long `GET /v1/models` waits for one backend's own list. Past it: the list comes without that backend's models. */
  listing: number;
  /** How long a count of tokens waits for a model server's own, which takes it milliseconds. Past it: the count is an estimate. */
  counting: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const s = 1_000;
const h = 3_600 * s;

/** The limits where the configuration names none. */
export const defaultLimits: Limits = {
  body: 32 * MiB,
  inflated: 64 * MiB,
  reply: 64 * MiB,
  history: 64 * MiB,
  items: 10_000,
  tools: 1_024,
  turns: 10_000,
  perCaller: {},
  turn: 600 * s,
  background: 1 * h,
  backgroundTurns: 128,
  inFlight: 512 * MiB,
  unread: 60 * s,
  idle: 120 * s,
  head: 300,
  keepAlive: 15 * s,
  rounds: 16,
  toolCalls: 8,
  tool: 60 * s,
  toolResult: 1 * MiB,
  hook: 30 * s,
  drain: 25 * s,
  linger: 0,
  connection: 1 * h,
  connectionIdle: 600 * s,
  lease: 30 * s,
  stored: Number.POSITIVE_INFINITY,
  listing: 2 * s,
  counting: 5 * s,
};
