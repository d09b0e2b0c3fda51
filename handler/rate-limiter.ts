/** Whose turns a descriptor of the rate limit service counts: members of a charge. */
export const limiterValues = ['tenant', 'user', 'project', 'key', 'model'] as const;
/** One of them. */
export type LimiterValue = (typeof limiterValues)[number];

/** Tokens that may be the hits of a turn; else a cost is, by its name. */
export const limiterTokens = {
  input_tokens: 'input',
  cached_input_tokens: 'cached',
  cached_write_input_tokens: 'cache_write',
  output_tokens: 'output',
  reasoning_tokens: 'reasoning',
  total_tokens: 'total',
} as const;

/** What turns that Envoy does not see are charged to. */
export interface LimiterSettings {
  /** Where the service is: HOST:PORT. */
  address: string;
  domain: string;
  /** The entries of the descriptor, by their keys, in their order. */
  descriptor: Readonly<Record<string, LimiterValue>>;
  /** Which tokens, or which cost, are the hits of a turn. */
  hits: string;
}

/** Charges on their way to the rate limit service. */
export interface LimiterCharges {
  /** Takes charges that were added up by this process, and by no other: rows of the table. */
  take(rows: readonly Readonly<Record<string, string | number | null>>[]): void;
  /** Tells what waits. What the service does not take waits for the next time; never rejects. */
  send(): Promise<void>;
  close(): void;
}

/** An entry of a descriptor. */
export interface LimiterEntry {
  key: string;
  value: string;
}

/** The port of Envoy's rate limit service. */
export interface RateLimiter {
  /** Adds hits, at most 2^32 - 1, to what the service counts of a descriptor; rejects where it does not answer. */
  charge(entries: readonly LimiterEntry[], hits: number): Promise<void>;
  close(): void;
}
