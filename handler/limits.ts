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
   * the turn fails.
   */
  rounds: number;
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
  drain: 25 * s,
  linger: 0,
  connection: 1 * h,
  connectionIdle: 600 * s,
  lease: 30 * s,
  stored: Number.POSITIVE_INFINITY,
  listing: 2 * s,
  counting: 5 * s,
};

/** The limits that nobody sets: what stays within them is any real client's, and what does not is a mistake or an attack. */
export const fixedLimits = {
  /** Rows that one slice of the removal of what has expired looks at. Past it: the next slice looks, when others had their turn. */
  sweepRows: 40,
  /**
   * A file beside the database that is given up when its disk is full, so that things can be deleted then. Past it: deleting
   * fails as well. On Workers: none.
   */
  reserve: 16 * MiB,
  /** How long what has expired is removed, of every minute. Past it: the rest is left to the next. On Workers: 20 slices. */
  sweepTime: 30 * s,
  /** JSON up to this many characters is parsed as it is, since it cannot grow large. Past it: it is scanned first. */
  scannedJson: 65_536,
  /**
   * Members of a client's JSON, empty lists and objects counted twice: 10,000 items of ten members have fewer, and `[],[],...`
   * takes fifteen times its size in memory. Past it: 400.
   */
  jsonMembers: 250_000,
  /** Members of one JSON from a model's server: a count of two million tokens lists them. Past it: the turn fails. */
  replyMembers: 2_000_000,
  /** How deep JSON above `scannedJson` is nested: what we read is some ten levels deep, a tool's parameters a hundred. Past it: 400, or the turn fails. */
  jsonDepth: 128,
  /**
   * Items that a turn goes on from: many small ones take as long to read as the bytes of `history`. Past it: 400
   * `context_length_exceeded`.
   */
  historyItems: 50_000,
  /** Items of a turn's output: no model makes a tenth of them. Past it: the turn fails. */
  outputItems: 1_000,
  /**
   * Calls that a model makes in a turn: an order more than models make at once. Past it: the turn fails; of functions that
   * run here no more are run, and the model is told so.
   */
  turnCalls: 512,
  /** Parts of one output item, or summaries of its reasoning: models make one, or a few. Past it: the turn fails. */
  itemParts: 1_000,
  /** Citations in one text: a hundred is a long list of sources. Past it: the turn fails. */
  partCitations: 10_000,
  /** A decompressed body for each byte of it as sent; JSON shrinks to a tenth, what was made to grow to a thousandth. Past it: 413. */
  inflatedRatio: 200,
  /** What a decompressed body may have however small it was sent: a short one may well repeat itself. Past it: `inflatedRatio` holds. */
  inflatedFree: 1 * MiB,
  /**
   * Compressed bytes that bring nothing, beyond eight for each byte that is brought: an encoder that flushes after each takes
   * as many. Past it: 413.
   */
  inflatedIdle: 256 * KiB,
  /**
   * How long decompressing one body may hold up all others: ten times as long as 64 MiB take. zstd, which other threads undo, is
   * bounded by its blocks. Past it: 413. On Workers: clocks stand still meanwhile, and the platform's own limit ends it.
   */
  inflating: 5 * s,
  /** Lanes of one WebSocket, each a queue of its own. Past it: an `error`, 400 `websocket_stream_limit_reached`. */
  lanes: 32,
  /** Responses made at a time on one WebSocket, as at OpenAI. Past it: requests wait. */
  socketTurns: 16,
  /** Requests that wait on one WebSocket: more than a client has reason to send ahead. Past it: an `error` with status 429. */
  socketWaiting: 64,
  /**
   * Messages in a row on one WebSocket that come to no response: a client that errs so often is none. Past it: closed with 1008.
   */
  socketRefused: 256,
  /** Unstored responses that one WebSocket remembers. Past it: the oldest is `previous_response_not_found`. */
  socketMemory: 33,
  /**
   * What turns that a stopping server ends have to be written down and told to their clients, once `drain` is over. Past it:
   * they are cut, and the next process says that they failed. On Workers: the platform decides.
   */
  ending: 3 * s,
  /**
   * The time between two signals to stop that is needed to mean it twice: npm passes on what the terminal sends to all. Past
   * it: the second one ends what is in flight, and a third one the process.
   */
  signals: 2 * s,
  /**
   * Characters of a client's `x-request-id` that the logs have, Envoy's included. Past it: only the first ones are in the logs;
   * Envoy returns it whole.
   */
  requestId: 128,
  /**
   * What lies before a reader of the log, or of stderr, who does not read, in bytes. Past it: lines are dropped and counted,
   * and the first line that is written again says how many. On Workers: the platform reads.
   */
  unsentLog: 1 * MiB,
  /**
   * The database's answer to `GET /readyz`, below the second that the kubelet gives a probe. Past it: 503 with the reason
   * `database`. Metrics wait as long for the number of webhooks. Past it: they are without.
   */
  ping: 0.8 * s,
  /**
   * Time from one question to the database to the next, however often `GET /readyz` is asked: anybody may ask. Past it: what
   * it said last is said again.
   */
  pingInterval: 1 * s,
  /**
   * Messages of one ext_proc stream that wait to be read; they are read as they come, so it takes a peer that does not read
   * our answers. Past it: no more are read from it. On Workers: there is no gRPC.
   */
  messages: 16,
  /**
   * Streams of one gRPC connection that are reset before we have begun to answer, at once: as many as a connection may hold,
   * so that a crowd may leave. Past it: the connection is closed. On Workers: there is no gRPC.
   */
  resets: 100_000,
  /**
   * Such resets a second, for as long as one likes: more than requests that a process can serve, so that what an Envoy passes
   * on of its clients never comes to it. Past it: they count towards `resets`. On Workers: there is no gRPC.
   */
  resetsPerSecond: 20_000,
  /** A file that holds a secret, in bytes: a key has a hundred, a token some thousands. Past it: the configuration is refused. On Workers: there are no files. */
  secretFile: 64 * KiB,
  /** Characters of an error, or of what a model's server answered, in one line of the log. Past it: the rest is left out. */
  logText: 2_000,
  /**
   * Time from one question to a backend for its models to the next, however often `GET /v1/models` is asked: anybody may ask.
   * Past it: what it said last is said again.
   */
  listingInterval: 5 * s,
  /** What a byte of JSON counts for in `limits.inFlight` once it is parsed, in bytes. Past it: nothing, it is a measure. */
  parsed: 4,
  /** Bytes of a body, a message or a reply on their way that `limits.inFlight` leaves out of account. Past it: it counts. */
  uncounted: 64 * KiB,
  /** The part of `limits.inFlight` that bodies may take while they come in. Past it: 503 `overloaded` for those above 64 KiB. */
  arriving: 0.5,
  /**
   * The part of `limits.inFlight` that histories of chains may take between turns, as far as nothing else needs it. Past it:
   * the least recently used is read from the database again.
   */
  histories: 1 / 16,
  /**
   * The time for which such a history is kept without being used: an agent goes on within seconds. Past it: it is read from
   * the database again.
   */
  historyAge: 120 * s,
  /** Characters of one attribute of a span that has content (`telemetry.content`). Past it: the oldest messages are left out, and texts cut. */
  spanContent: 16 * KiB,
  /** How long a stopping server tries to hand over its last spans and metrics. Past it: they are lost. */
  flush: 3 * s,
};
