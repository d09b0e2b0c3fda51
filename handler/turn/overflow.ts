import type { BackendEvent, CallOptions, ModelCall, Prepare, PreparedCall } from '../backend/backend.ts';
import { ApiError } from '../errors.ts';
import { log } from '../log.ts';
import { estimateTokens } from './estimate.ts';
import type { ResolvedRequest } from './request.ts';
import { roomFor, truncate } from './truncate.ts';
import type { Turn } from './turn.ts';

/** How often a call is made shorter: a server that names no limit is tried with half, a quarter and so on. */
const MAX_TRIES = 6;

/** What of the items is kept, by the estimate: where the server has named its limit, and where it has not. */
const KEPT_BELOW_LIMIT = 0.9;
const KEPT_BLINDLY = 0.5;

/** A turn's model, whose context somebody may know. */
export interface ContextualModel {
  /** The context in tokens, where the configuration says it. */
  context: number | undefined;
  /** The same, where its server tells it within `timeout` milliseconds. */
  toldContext(timeout: number): Promise<number | undefined>;
  /** Takes in the context that its server has named. */
  learnContext(context: number): void;
}

/** The context of a request's model, as the configuration says it; else, if the request needs one, as its server tells it. */
export async function contextFor(
  { truncation, context_management }: Pick<ResolvedRequest, 'truncation' | 'context_management'>,
  model: ContextualModel,
  timeout: number,
): Promise<number | undefined> {
  const isNeeded = truncation === 'auto' || context_management?.some((entry) => entry.compact_threshold == null);
  return model.context ?? (isNeeded ? model.toldContext(timeout) : undefined);
}

/** Prepares the calls of a turn: under `truncation: auto` such that they go without their oldest items where they do not fit. */
export function prepareFor(
  { shortens }: Pick<Turn, 'shortens'>,
  { learnContext }: Pick<ContextualModel, 'learnContext'>,
  prepare: Prepare,
): Prepare {
  return shortens ? shortening(prepare, learnContext) : prepare;
}

/**
 * Prepares calls under `truncation: auto`: one that does not fit its model's context is made again with the oldest items
 * left out, by what the server said of its limit, before anything of it was heard. `learn` is told that limit.
 */
function shortening(prepare: Prepare, learn: (limit: number) => void): Prepare {
  let limit: number | null = null;
  const keep = (context: number) => {
    limit = context;
    learn(context);
  };
  return (asked) => {
    const call = limit === null ? asked : { ...asked, input: truncate(asked.input, roomOf(asked, limit)) };
    const whole = prepare(call);
    return { ...whole, stream: (signal, options) => stream(prepare, { call, whole, learn: keep }, signal, options) };
  };
}

interface Attempt {
  call: ModelCall;
  whole: PreparedCall;
  learn(limit: number): void;
}

async function* stream(
  prepare: Prepare,
  { call, whole, learn }: Attempt,
  signal: AbortSignal,
  options: CallOptions | undefined,
): AsyncGenerator<BackendEvent, void> {
  let prepared = whole;
  let { input } = call;
  for (let tries = 0; ; tries++) {
    let hasBegun = false;
    try {
      for await (const event of prepared.stream(signal, options)) {
        hasBegun ||= event.type !== 'keep_alive';
        yield event;
      }
      return;
    } catch (error) {
      if (hasBegun || tries === MAX_TRIES || !(error instanceof ApiError) || error.kind !== 'context_length')
        throw error;
      const { context } = error;
      if (context !== null) learn(context);
      const shorter = shortened({ ...call, input }, context);
      if (shorter.length === input.length) throw error;
      const left_out = call.input.length - shorter.length;
      log.info('an input that did not fit its model goes without its oldest items', { model: call.model, left_out });
      input = shorter;
      prepared = prepare({ ...call, input });
    }
  }
}

/** The newest items of a call that may fit a context, which is fewer than it has. */
function shortened(call: ModelCall, context: number | null): ModelCall['input'] {
  const { input } = call;
  const items = estimateTokens({ input });
  const room = context === null ? items * KEPT_BLINDLY : roomOf(call, context);
  return truncate(input, Math.min(room, items * KEPT_BELOW_LIMIT));
}

function roomOf({ input: _, ...rest }: ModelCall, context: number): number {
  return roomFor(rest, context, rest.max_output_tokens);
}
