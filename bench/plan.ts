import type { Shape } from './text.ts';

/** How long the bench measures. */
export interface Plan {
  quick: boolean;
  /** Of each comparison: short and many, so that what disturbs the machine for a while disturbs all subjects alike. */
  rounds: number;
  /** How many measurements of a comparison may be made again because other programs were busy meanwhile. */
  repeats: number;
  /** Seconds of warming up for each subject, and of measuring it in each round. */
  turn: { warm: number; measure: number };
  bursts: { warm: number; measure: number };
  tokens: { warm: number; measure: number };
  /** Requests of each door in each round. */
  firstEvents: { rounds: number; times: number };
  /** Chains through each door, the first for warming up when there are more. */
  chains: number;
  /** Seconds of each load whose memory is measured, and how many streams are held at a time. */
  memory: number;
  held: number;
  /** Starts of the built package. */
  starts: number;
  /** Stored responses, and how many of them have expired, when those are removed. */
  swept: { responses: number; expired: number };
}

/** Long enough for medians that hold to a few percent: under five minutes. */
export const FULL: Plan = {
  quick: false,
  rounds: 20,
  repeats: 20,
  turn: { warm: 3, measure: 0.6 },
  bursts: { warm: 1, measure: 0.45 },
  tokens: { warm: 1, measure: 0.35 },
  firstEvents: { rounds: 5, times: 50 },
  chains: 6,
  memory: 8,
  held: 1_000,
  starts: 7,
  swept: { responses: 1_000_000, expired: 100_000 },
};

/** Long enough to see that everything works, and about how fast: under a minute. */
export const QUICK: Plan = {
  quick: true,
  rounds: 4,
  repeats: 0,
  turn: { warm: 1, measure: 0.3 },
  bursts: { warm: 0.3, measure: 0.2 },
  tokens: { warm: 0.1, measure: 0.2 },
  firstEvents: { rounds: 2, times: 20 },
  chains: 1,
  memory: 2,
  held: 300,
  starts: 3,
  swept: { responses: 50_000, expired: 5_000 },
};

/** How often resident memory is looked at, and how long a product has had rest when it is idle, in milliseconds. */
export const MEMORY = { sample: 50, rest: 1_000 };

/** Concurrent requests of the JSON turn, and of the streams. */
export const CONNECTIONS = { turn: 32, stream: 16 };

/** Turns of a chain, and characters of each prompt and each reply. */
export const CHAIN = { turns: 200, characters: 600 };

const shape: Shape = { deltas: 8, size: 12, apart: false, think: 0, noted: false };

/** The replies: of the JSON turn, of streams in one write or token by token, of streams that are held, of the first events, of a chain. */
export const SHAPES = {
  turn: shape,
  bursts: { ...shape, deltas: 200, size: 8 },
  tokens: { ...shape, deltas: 200, size: 8, apart: true },
  atOnce: { ...shape, apart: true },
  held: { ...shape, apart: true, think: 3_000 },
  thinking: { ...shape, apart: true, think: 10 },
  chain: { ...shape, deltas: 74, size: 8 },
} satisfies Record<string, Shape>;
