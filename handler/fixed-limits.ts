const KiB = 1024;
const MiB = 1024 * KiB;
const s = 1_000;

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
   * Entries of an index that a page of responses or conversations looks at, in a fraction of a second. Past it: it ends early, and
   * says so.
   */
  listRows: 100_000,
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
  /** Characters of a call of a hosted tool that a client carries sealed, and sends with each of its requests. Past it: later turns know only that it was made. */
  carried: 64 * KiB,
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
  /** How long a tool that is told to end may take for it. Past it: it is left, and nobody hears what it still does. */
  toolEnding: 2 * s,
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
  /** A file of certificates that are trusted for one model's server, in bytes: those of a whole system have 250 KiB. Past it: the configuration is refused. On Workers: there are no files. */
  caFile: 1 * MiB,
  /**
   * Characters of a client's header that a rule (`${header:NAME}`) sends on to a model's server: `baggage` may have as many. Past it: 400
   * that names the header.
   */
  sentHeader: 8_192,
  /** Characters of an error, or of what a model's server answered, in one line of the log. Past it: the rest is left out. */
  logText: 2_000,
  /**
   * How long what was read of an API key of the database holds, and that there is none: a key that is revoked stops at every process
   * within 5 s. Past it: it is read again.
   */
  keyAge: 4 * s,
  /**
   * How long a key that was read goes on while the database does not answer, which a revocation would be written to as well. Past
   * it: 503 `overloaded` with `retry-after`.
   */
  keyOutage: 60 * s,
  /** Keys of the database that a process knows, and as many ids that it looked for in vain. Past it: the one read longest ago is forgotten. */
  keys: 10_000,
  /** Tenants whose keys a process knows, where what is stored is encrypted. Past it: those read longest ago are forgotten, and read again. */
  tenantKeys: 10_000,
  /**
   * Well-formed API keys that nobody has, looked for in the database at once, and as many each second, for all networks: a few
   * hundredths of a processor's time. Past it: 503 `overloaded` with `retry-after` for keys that the process does not know.
   */
  keyMisses: 1_000,
  /** The same for one network, an IPv4 address or the /64 of an IPv6 one, so that one leaves others their part. Past it: the same. */
  keyMissesPerNetwork: 250,
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
  /** Characters of a caller's token: one with hundreds of groups has some thousands. Past it: 401. */
  token: 16 * KiB,
  /** The key set of an issuer, in bytes: a key has some hundreds. Past it: it counts as not fetched. */
  jwks: 256 * KiB,
  /** The answer of the server that has them. Past it: the keys of before count. */
  jwksTime: 5 * s,
  /** How long fetched keys are used without asking again. Past it: they are fetched, and those that are gone count no more. */
  jwksFresh: 300 * s,
  /** How long they are used while they cannot be fetched. Past it: 500 for all tokens of that issuer. */
  jwksKept: 86_400 * s,
  /** Time from one fetch to the next, whatever keys tokens name: anybody can make one up. Past it: such a token is 401 without a fetch. */
  jwksPause: 5 * s,
  /** Charges that are added to the usage, or removed, in one batch. Past it: the next batch takes them, when others had their turn. */
  chargeRows: 500,
  /**
   * How long a charge is kept once it was added to the usage: an end whose answer was lost is tried again for a lease, and must
   * find it. Past it: it is removed.
   */
  chargesKept: 3_600 * s,
  /** Charges with costs of their own that `GET /v1/usage` reads before they are added up. Past it: they are added up first. */
  chargesRead: 10_000,
  /** Descriptors whose hits wait for the rate limit service (`rateLimiter`). Past it: those of others are lost. */
  limiterWaiting: 100_000,
  /** How long what a tenant has stored is known, where it has a limit. Past it: its next turn looks. */
  storedBytesKnown: 5 * s,
  /** Tenants of which a process knows that. Past it: the one looked at longest ago is forgotten. */
  storedBytesTenants: 10_000,
  /** Time from one measurement of what a tenant with a limit has stored to the next, or a hundred times as long as it takes. Past it: it is measured again. */
  storedBytesPause: 3_600 * s,
  /** The same near its limit, or twenty times as long as it takes: what was deleted makes room then. Past it: it is measured again. */
  storedBytesSoon: 60 * s,
  /**
   * Slices of 2,000 rows of one such measurement on Workers, two queries each: a call may make a thousand. Past it: what turns add still counts, what is
   * deleted does not, and the log warns.
   */
  storedBytesSlices: 200,
  /** Time until a tenant that had more is measured again. Past it: it is. */
  storedBytesLater: 86_400 * s,
  /** Refused credentials that the audit log has of one second: more are one attack, which is to fill no disk. Past it: they are counted. */
  auditRefusals: 20,
  /** The same of one network, so that one leaves others their part. Past it: they are counted. */
  auditRefusalsPerNetwork: 5,
  /** Events of the audit log that are written in one piece. Past it: the rest is written in the next. */
  auditBatch: 1_000,
  /** Events that wait for the audit log to be written: an hour of a busy process. Past it: they are lost, and counted. */
  auditWaiting: 10_000,
  /** Time to the next attempt to write it. Past it: it is tried again. */
  auditRetry: 2 * s,
  /** MCP servers of one request: each is a session, and a list that the model reads. Past it: 422. */
  mcpServers: 32,
  /** Tools of one MCP server: no model chooses among as many. Past it: 424. */
  mcpTools: 1_024,
  /** The body of one reply of an MCP server: an image has some megabytes, and texts come twice. Past it: the call fails, or the listing. */
  mcpReply: 8 * MiB,
  /** Members of the JSON of such a reply, lists and objects counted as one more, and its events: a thousand tools have fewer. Past it: the same. */
  mcpMembers: 100_000,
  /** Characters of a list of tools: the model reads all of it with each of its calls. Past it: 424. */
  mcpList: 1 * MiB,
  /** How long a list of the tools of an MCP server is used without asking again. Past it: the next turn asks. */
  mcpListKept: 300 * s,
  /** Characters of such lists that a process keeps. Past it: those used longest ago go. */
  mcpLists: 16 * MiB,
  /** How long a program of `mcp` runs without being asked anything. Past it: it is ended, and started again when it is needed. */
  mcpProgramIdle: 300 * s,
  /** How long a program of `mcp` may take to start: one in Python that loads much takes ten seconds. Past it: 424. */
  mcpProgramStart: 30 * s,
  /**
   * Processes beside this one that reduce pages of the web to their texts: two, so that a page that is made to take long leaves one. Past it:
   * pages wait, and callers take turns. On Workers: none, pages are reduced where they are loaded.
   */
  pageProcesses: 2,
  /** Pages that wait for one, of at most 5 MiB each. Past it: the model is told to try again. On Workers: none waits. */
  pagesWaiting: 32,
  /**
   * How long one page may take such a process: the largest PDF files take seconds. Past it: the process is ended, and the model is told. On
   * Workers: the platform's own limit.
   */
  pageTime: 10 * s,
  /** How long a stopping server tries to hand over its last spans and metrics. Past it: they are lost. */
  flush: 3 * s,
};
