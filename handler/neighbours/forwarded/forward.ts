import type { Admission } from '../../allowances/port.ts';
import type { ForwardedBody, ForwardedEvent, ForwardedPart, PreparedForward } from '../../backend/backend.ts';
import { ApiError, toApiError, whyAborted } from '../../errors.ts';
import { newId } from '../../ids.ts';
import { fixedLimits } from '../../limits.ts';
import { withModelNames } from '../../routing/model-names.ts';
import { admitTurn } from '../../service/admit.ts';
import { affinityIn, type RequestContext, requireModel } from '../../service/context.ts';
import { takePlace } from '../../service/place.ts';
import { findModel } from '../../service/plan.ts';
import type { Services } from '../../service/services.ts';
import { turnReport } from '../../service/turn-report.ts';
import { writeCharge } from '../../state/charges.ts';
import type { Bounds } from '../../turn/bounds.ts';
import { chargeOf } from '../../turn/charge-of.ts';
import {
  errorCodeOf,
  newTurnSummary,
  observeAsked,
  observeRefusal,
  type TurnSummary,
} from '../../turn/turn-summary.ts';
import { countUsage } from '../../turn/turn-tokens.ts';
import type { Endpoint } from './endpoint.ts';
import { watchForwards } from './watch.ts';

/** A request that is to be passed on. */
export interface ForwardInput {
  model: string;
  body: ForwardedBody;
  /** The text by which its tokens are estimated before anybody counts them; asked for where that matters. */
  text(): string;
  /** What requests of its session have in common. */
  session?: string | undefined;
}

/** A reply that has begun. */
export interface ForwardedReply {
  /** Its media type. */
  media: string;
  /** The whole of it; undefined where it comes in parts. */
  whole: Uint8Array | undefined;
  /** Its parts, to be run to their end. They throw what makes it fail. */
  parts: AsyncGenerator<Uint8Array, void>;
  /** Whether its parts are whole events. */
  isEvents: boolean;
  /** What is left of limits, ours and the server's, as headers. */
  headers: Readonly<Record<string, string>>;
  /** Aborts when it is ended from outside. */
  signal: AbortSignal;
  /** The client has left. */
  abort(): void;
  /** Resolves once it is over, and all of it is accounted for, with what made it fail. */
  over: Promise<ApiError | undefined>;
}

/**
 * Passes a request on, if the caller's limits admit it and once there is a place, and waits for the first word of the reply. Throws an
 * ApiError for what cannot be honoured, and for what its servers refuse or fail at until then: nothing is charged for that.
 */
export async function forward(
  services: Services,
  ctx: RequestContext,
  endpoint: Endpoint,
  { model: name, body, text, session }: ForwardInput,
): Promise<ForwardedReply> {
  const { log, caller, store, ingress } = ctx;
  log.model = name;
  const model = await findModel(services, name);
  requireModel(caller, name);
  const summary = newTurnSummary({ model: name }, model.address, caller, services.costs.of(name));
  summary.operation = endpoint.operation;
  summary.modelInput = {
    get instructions() {
      return text();
    },
  };
  log.turn = summary;
  const prepared = model.forward(
    {
      affinity: () => affinityIn(ctx.header) ?? session,
      claimant: caller,
      requestId: log.requestId,
      watch: watchForwards(log, endpoint),
      asked: (server) => observeAsked(summary, server),
    },
    {
      api: endpoint,
      model: name,
      body,
      named: model.showsServed ? undefined : name,
      values: services.requestValues?.read(caller, ctx.header),
    },
  );
  const admission = await admitTurn(services, caller, summary);
  if (!endpoint.estimates) summary.uncountedInput = 0;
  let settle = (made: Admission) => made.undo();
  let leave = () => {};
  const whole = Promise.withResolvers<void>();
  let hasEnded = false;
  const ended = () => {
    if (hasEnded) return;
    hasEnded = true;
    leave();
    whole.resolve(admission && settle(admission));
  };
  try {
    const place = await takePlace(services, ctx);
    leave = place.leave;
    ingress.waitUntil?.(whole.promise);
    const report = (isStream: boolean) =>
      ingress.report?.(turnReport(summary, isStream, log.attributes?.for('metadata')));
    const reading = new Reading(prepared, place.bounds, summary, {
      estimates: endpoint.estimates,
      takes: (bytes) => store.memory.take(bytes),
    });
    const first = await reading.firstPart().catch(async (error: ApiError) => {
      settle = (made) => made.refused();
      observeRefusal(summary, error);
      report(false);
      throw await withModelNames(services, name, error);
    });
    settle = (made) => made.end(summary);
    log.streaming = !first.isWhole;
    report(!first.isWhole);
    const charge = chargeOf(store, caller, summary, endpoint.kind);
    const over = Promise.withResolvers<ApiError | undefined>();
    const account = async (failure: ApiError | undefined): Promise<void> => {
      const isCancelled = failure?.kind === 'cancelled';
      summary.rounds = 1;
      summary.finish = failure ? (isCancelled ? 'cancelled' : 'failed') : reading.finish;
      if (failure && !isCancelled) summary.errorCode = errorCodeOf(failure);
      try {
        const status = failure ? 'failed' : 'completed';
        if (charge) await writeCharge(store, charge({ id: newId('fwd'), status, usage: summary.usage }, 0));
      } finally {
        ended();
        over.resolve(failure);
      }
    };
    let ending: Promise<void> | undefined;
    const end = (failure?: ApiError): Promise<void> => {
      ending ??= account(failure);
      return ending;
    };
    const { signal, abort } = place.bounds;
    // Whether anybody reads on or not; who does hears of what went wrong.
    const cut = () => void end(whyAborted(signal)).catch(() => {});
    if (first.isWhole) await end();
    else if (signal.aborted) cut();
    else signal.addEventListener('abort', cut, { once: true });
    return {
      media: first.media,
      whole: first.isWhole ? first.bytes : undefined,
      parts: reading.parts(first, end),
      isEvents: /^text\/event-stream/i.test(first.media),
      headers: { ...reading.rateLimits, ...admission?.headers() },
      signal,
      abort,
      over: over.promise,
    };
  } catch (error) {
    ended();
    throw admission && error instanceof ApiError ? error.withHeaders(admission.headers()) : error;
  }
}

/** The reasons for which servers end a text, but for a good end. */
const FINISHES: Readonly<Record<string, TurnSummary['finish']>> = {
  length: 'max_output_tokens',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
};

interface ReadingOptions {
  /** Whether tokens are estimated as long as the server has counted none. */
  estimates: boolean;
  /** Takes memory; throws an ApiError where there is none. */
  takes(bytes: number): void;
}

/** A reply as it is read, within the bounds of a turn. */
class Reading {
  rateLimits: Readonly<Record<string, string>> = {};
  /** How it ends, if it ends well. */
  finish: NonNullable<TurnSummary['finish']> = 'stop';
  readonly #events: AsyncIterator<ForwardedEvent>;
  readonly #bounds: Bounds;
  readonly #summary: TurnSummary;
  readonly #estimates: boolean;

  constructor(prepared: PreparedForward, bounds: Bounds, summary: TurnSummary, { estimates, takes }: ReadingOptions) {
    this.#bounds = bounds;
    this.#summary = summary;
    this.#estimates = estimates;
    const answered = (limits: Readonly<Record<string, string>>) => {
      this.rateLimits = limits;
    };
    // What is too much is no failure of the server, and asked of no other.
    let size = 0;
    const arrived = (bytes: number) => {
      size += bytes;
      bounds.countBytes(bytes);
      try {
        if (size > fixedLimits.uncounted) takes(bytes);
      } catch (error) {
        bounds.fail(toApiError(error));
      }
      if (bounds.signal.aborted) throw whyAborted(bounds.signal);
    };
    this.#events = prepared.stream(bounds.signal, { arrived, answered })[Symbol.asyncIterator]();
  }

  /** The first part. Rejects with an ApiError. */
  async firstPart(): Promise<ForwardedPart> {
    const first = await this.#next();
    if (!first) throw new ApiError('server', 'The model backend ended its reply before it had said anything.');
    if (first.isWhole) await this.#next(); // so that it has ended
    return first;
  }

  /** The bytes of all parts; `end` is told how they ended, before the last of them is over. */
  async *parts(first: ForwardedPart, end: (failure?: ApiError) => Promise<void>): AsyncGenerator<Uint8Array, void> {
    let failure: ApiError | undefined;
    let isRead = false;
    try {
      for (let part: ForwardedPart | undefined = first; part; part = await this.#next()) {
        this.#bounds.countBytes(part.bytes.length);
        if (part.bytes.length > 0) yield part.bytes;
      }
      isRead = true;
    } catch (error) {
      failure = toApiError(error);
      throw failure;
    } finally {
      if (!isRead && !failure) await this.#events.return?.();
      await end(isRead ? undefined : (failure ?? whyAborted(this.#bounds.signal)));
    }
  }

  async #next(): Promise<ForwardedPart | undefined> {
    const summary = this.#summary;
    const { signal, waiting } = this.#bounds;
    for (;;) {
      waiting(true);
      try {
        const step = await this.#events.next();
        if (step.done) return undefined;
        const event = step.value;
        if (event.type !== 'part') continue;
        // Of what is held until it is whole, the first word is the last as well.
        if (!event.isWhole) summary.firstTokenMs ??= performance.now() - summary.startedAt;
        if (this.#estimates && !summary.usage) summary.deltas += event.deltas;
        if (event.finish) this.finish = FINISHES[event.finish] ?? 'stop';
        if (event.served) summary.served = event.served;
        if (event.usage) countUsage(summary, event.usage, true);
        return event;
      } catch (error) {
        throw signal.aborted ? whyAborted(signal) : toApiError(error);
      } finally {
        waiting(false);
      }
    }
  }
}
