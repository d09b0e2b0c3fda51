/** Every limit of a turn in one type; sizes in bytes, times in milliseconds. */
export interface Limits {
  /** A request body as sent. 32 MiB holds a long conversation with a few images. */
  body: number;
  /** A request body after decompression; twice the body, since text rarely needs more and bombs do. */
  inflated: number;
  /** A reply. Envoy takes a streamed one without backpressure, so this bounds what a slow reader can pile up there. */
  reply: number;
  /**
   * What a turn goes on from, and a page of a list, as JSON: as much as one request may hold, since a client could send it.
   * It is more than any model reads, and each such turn holds it in memory.
   */
  history: number;
  /** A whole turn, all its rounds: ten minutes, as the openai clients wait by default. */
  turn: number;
  /** A whole turn in the background, which nobody waits for: an hour, for long tool loops and slow models. */
  background: number;
  /** Turns in the background that one process makes at a time; others stay queued. As many as a busy model server takes. */
  backgroundTurns: number;
  /** The longest silence of a model backend; a queued model sends not even headers for a while. */
  idle: number;
  /** The pause after which a silent stream gets a comment, below the 60 s at which proxies tend to give up. */
  keepAlive: number;
  /** Model calls in one turn of the server-side tool loop; a model that still calls tools then is going in circles. */
  rounds: number;
  /** How long a stopping server waits for what is in flight: below the 30 s after which Kubernetes kills. */
  drain: number;
  /** How long a WebSocket may be open, as at OpenAI: balancers get to spread clients again, and what it remembers goes. */
  connection: number;
  /** How long a WebSocket may be of no use: as long as its user thinks about the next turn, since it holds what was said. */
  connectionIdle: number;
  /** How long a process that has fallen silent may still hold its turns; then they have failed, or, in the background, are taken over. */
  lease: number;
  /** How long `GET /v1/models` waits for one backend's own list. */
  listing: number;
  /** How long a count of tokens waits for a model server's own, and for its tools; a count takes it milliseconds. */
  counting: number;
}

const MiB = 1024 * 1024;

/** The limits where the configuration names none. */
export const defaultLimits: Limits = {
  body: 32 * MiB,
  inflated: 64 * MiB,
  reply: 64 * MiB,
  history: 64 * MiB,
  turn: 600_000,
  background: 3_600_000,
  backgroundTurns: 128,
  idle: 120_000,
  keepAlive: 15_000,
  rounds: 16,
  drain: 25_000,
  connection: 3_600_000,
  connectionIdle: 600_000,
  lease: 30_000,
  listing: 2_000,
  counting: 5_000,
};
