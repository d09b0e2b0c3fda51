import type { Shape } from './text.ts';

/** How long the bench measures. */
export interface Plan {
  quick: boolean;
  rounds: number;
  /** How many measurements of a comparison may be made again because other programs were busy meanwhile. */
  repeats: number;
  /** Seconds of warming up for each subject, and of measuring it in each round. */
  turn: { warm: number; measure: number };
  bursts: { warm: number; measure: number };
  tokens: { warm: number; measure: number };
  /** Requests of each door in each round. */
  firstEvents: number;
  /** Chains through each door, the first for warming up when there are more. */
  chains: number;
}

/** Long enough for medians that hold to a few percent: under four minutes. */
export const FULL: Plan = {
  quick: false,
  rounds: 5,
  repeats: 4,
  turn: { warm: 2, measure: 2.4 },
  bursts: { warm: 1, measure: 1.8 },
  tokens: { warm: 1, measure: 1.2 },
  firstEvents: 50,
  chains: 6,
};

/** Long enough to see that everything works, and about how fast: under forty seconds. */
export const QUICK: Plan = {
  quick: true,
  rounds: 2,
  repeats: 0,
  turn: { warm: 0.4, measure: 0.6 },
  bursts: { warm: 0.2, measure: 0.4 },
  tokens: { warm: 0.1, measure: 0.4 },
  firstEvents: 20,
  chains: 1,
};

/** Concurrent requests of the JSON turn, and of the streams. */
export const CONNECTIONS = { turn: 32, stream: 16 };

/** Turns of a chain, and characters of each prompt and each reply. */
export const CHAIN = { turns: 200, characters: 600 };

const shape: Shape = { deltas: 8, size: 12, apart: false, think: 0, noted: false };

/** The replies: of the JSON turn, of streams in one write or token by token, of the first events, of a chain. */
export const SHAPES = {
  turn: shape,
  bursts: { ...shape, deltas: 200, size: 8 },
  tokens: { ...shape, deltas: 200, size: 8, apart: true },
  atOnce: { ...shape, apart: true },
  thinking: { ...shape, apart: true, think: 10 },
  chain: { ...shape, deltas: 74, size: 8 },
} satisfies Record<string, Shape>;
