import type { Costs } from './costs.ts';

/** The tokens of a turn: all of its input and output, and what of them was cached, written to a cache, and thought. */
export interface TurnTokens {
  input: number;
  cached: number;
  cacheWrite: number;
  output: number;
  reasoning: number;
  total: number;
}

/** What a turn has used, all its model calls together; its costs by the names of the configuration. */
export interface TurnTotals {
  readonly tokens: TurnTokens;
  readonly costs: Costs;
}

/** Kinds of requests that are passed on to other APIs. */
const forwardedKinds = [
  ...(['chat', 'completion', 'embedding', 'rerank', 'moderation', 'image', 'speech', 'transcription'] as const),
] as const;

/**
 * What a charge is for: a reply in one piece, a stream, a turn of a WebSocket, one in the background, or a request to
 * `/v1/responses/compact`, or to an API whose requests are passed on. A compaction within a turn is in the turn's.
 */
export const chargeKinds = ['turn', 'stream', 'websocket', 'background', 'compaction', ...forwardedKinds] as const;
/** What is no turn. */
export type ForwardedKind = (typeof forwardedKinds)[number];
/** One of them. */
export type ChargeKind = (typeof chargeKinds)[number];

/** One ended turn and what it has used: told once, whatever it ended as. */
export interface Charge extends TurnTotals {
  /** Where its row is: the caller's tenant, or the part of it that one user has alone (`tenantOf` gives the tenant). */
  readonly tenant: string;
  /** Who has asked for it; what is not known is undefined. */
  readonly user: string | undefined;
  readonly project: string | undefined;
  readonly key: string | undefined;
  readonly kind: ChargeKind;
  /** The id of its response, which no other charge of the tenant has. */
  readonly response: string;
  /** The model as the request names it. */
  readonly model: string;
  /** When it ended, in milliseconds since 1970. */
  readonly at: number;
  /** What it added to the database, in characters. */
  readonly stored: number;
}
