import type { Claimant } from '../caller-count.ts';
import { ApiError, toApiError, whyAborted } from '../errors.ts';
import { describe, log } from '../log.ts';
import { Attempt, nameOf } from './attempt.ts';
import type { Candidate } from './candidates.ts';
import { pauseOfLimits } from './failure.ts';
import { type Opened, Race, type RaceNews } from './race.ts';
import { Search, unavailable } from './search.ts';
import type { OpenServer } from './server.ts';
import type { Choice, ServerPlace } from './server-group.ts';

/** Something that a server does for a call. */
export interface RoutedWork<E> {
  /**
   * Gives the events; nothing is sent before the first is pulled. `answered` takes what the server says of its rate limits. Throws an
   * ApiError for what this server cannot carry.
   */
  at(server: OpenServer, candidate: Candidate): Begin<E>;
  /** Whether an event gives something out, so that no other server can be asked. */
  isWord(event: E): boolean;
  /** The event that says no more than that something goes on. */
  alive: E;
  /** Whether its first word is all of it, so that no server is late with it. Default: it is not. */
  isLong?: boolean;
}

/** Begins it; `answered` is told once the server has taken it. */
export type Begin<E> = (signal: AbortSignal, answered: (limits: RateLimits) => void) => AsyncIterable<E>;

/** What a server says of its rate limits, in OpenAI's headers. */
export type RateLimits = Readonly<Record<string, string>>;

/** For whom a call is made, and who is told how it goes. */
export interface CallOf {
  /** Calls with the same one prefer the same servers; empty for any. */
  affinity: string;
  /** Who waits for a place. */
  claimant: Claimant;
  /** Of the request, for the log. */
  requestId: string | undefined;
  /** The model as it was asked for, for the log. */
  model: string;
  /** The server to ask first, if others are no better then. */
  first?: OpenServer;
  /** A server is asked now, and so many were passed over before. */
  asked(server: OpenServer, candidate: Candidate, passedOver: number): void;
  /** A server has given its first word. */
  heard(candidate: Candidate): void;
}

/** How long one waits for something to be left of the budget, in milliseconds; by chance up to twice as long. */
const BUDGET_PAUSE = 100;

/** How long one waits for a server of several to have room before looking again, in milliseconds; and where none of them does well. */
const [ROOM_PAUSE, DOUBTFUL_PAUSE] = [5_000, 250];

/**
 * Calls servers one after the other, as `search` has them and within the budget of what is tried again, until one gives its first word; from
 * then on the events are that server's. One that is late is asked on while the next is.
 */
export function routedCall<E>(
  work: RoutedWork<E>,
  candidates: readonly Candidate[],
  call: CallOf,
  signal: AbortSignal,
  answered: (limits: RateLimits) => void = () => {},
): AsyncIterable<E> {
  return {
    [Symbol.asyncIterator]: () => iterate(new RoutedCall(work, candidates, call, signal, answered).open()),
  };
}

function iterate<E>(opening: AsyncGenerator<E, Opened<E>>): AsyncIterator<E> {
  let attempt: Attempt<E> | undefined;
  return {
    async next() {
      if (attempt) return attempt.next();
      const step = await opening.next();
      if (!step.done) return step;
      attempt = step.value.attempt;
      return step.value.first;
    },
    async return() {
      if (!attempt) await opening.return(undefined as never); // it has given nothing that anybody reads
      await attempt?.return(); // which a pull that was under way may have opened
      return { done: true, value: undefined };
    },
  };
}

/** One call, until a server has given its first word. */
class RoutedCall<E> {
  readonly #work: RoutedWork<E>;
  readonly #candidates: readonly Candidate[];
  readonly #call: CallOf;
  readonly #signal: AbortSignal;
  readonly #answered: (limits: RateLimits) => void;
  readonly #search: Search;
  readonly #race: Race<E>;
  /** The candidate whose servers are asked. */
  #candidate: Candidate | undefined;
  #last: OpenServer | undefined;
  #failure: ApiError | undefined;
  #tries = 0;
  readonly #begunAt = performance.now();

  constructor(
    work: RoutedWork<E>,
    candidates: readonly Candidate[],
    call: CallOf,
    signal: AbortSignal,
    answered: (limits: RateLimits) => void,
  ) {
    this.#work = work;
    this.#candidates = candidates;
    this.#call = call;
    this.#signal = signal;
    this.#answered = answered;
    this.#search = new Search(candidates, call.affinity, call.first);
    this.#race = new Race(work.isWord, work.alive);
  }

  /** Gives signs of life, and at last the attempt that answers; throws what the last has failed with. */
  async *open(): AsyncGenerator<E, Opened<E>> {
    this.#candidates[0]?.group.budget.asked();
    let isAnswered = false;
    try {
      for (;;) {
        const asked = this.#race.isLate ? yield* this.#ask() : undefined;
        const news = asked ?? (this.#race.size > 0 ? yield* this.#race.wait() : undefined);
        if (news?.type === 'opened') {
          isAnswered = true;
          this.#heard(news.opened.attempt.server);
          return news.opened;
        }
        if (news?.type === 'failed') this.#failed(news.attempt.server, news.failure);
        if (this.#signal.aborted) throw whyAborted(this.#signal);
      }
    } finally {
      this.#race.end(isAnswered);
    }
  }

  /** Asks one more server, if it may be asked now; gives the news that came while it waited for that. */
  async *#ask(): AsyncGenerator<E, RaceNews<E, unknown> | undefined> {
    const [search, race, signal] = [this.#search, this.#race, this.#signal];
    const running = race.servers();
    const isBeside = running.length > 0 && this.#candidate !== undefined;
    const step = isBeside && this.#candidate ? search.beside(this.#candidate, running) : search.next();
    if (!step) throw this.#failure ?? unavailable(this.#candidates);
    const { candidate } = step;
    const { group } = candidate;
    if (step.wait !== undefined) return yield* race.wait(group.news('well', step.wait, signal));
    let choice: Choice | undefined = step;
    let place: ServerPlace | undefined;
    if (!step.isTrial && group.isBounded) {
      const queue = new AbortController();
      const entered = group.enter(this.#call.claimant, AbortSignal.any([signal, queue.signal]));
      if (entered instanceof Promise) {
        const news = yield* this.#waitForPlace(entered, queue, candidate);
        if (news.type !== 'came' || !news.came) return news;
        place = news.came;
        choice = search.choose(candidate); // others have come and gone meanwhile
      } else place = entered;
    }
    // From here on nothing is waited for, so that each call counts before the next one is made.
    const { server, isTrial } = choice ?? {};
    if (!server || isTrial) place?.leave();
    if (!server) return undefined;
    if (isTrial) place = undefined;
    const { health } = server;
    if (health.load >= server.concurrency) {
      // There are places, but none at the servers that are left to this call.
      place?.leave();
      return yield* race.wait(group.news('room', ROOM_PAUSE, signal, search.left(candidate)));
    }
    // One that is well takes what others have failed at, and what is late elsewhere if it has answered meanwhile; one that is not is tried by
    // one call after the other, which is bound enough.
    const isWell = health.isWell && (!isBeside || health.heardAt > this.#begunAt);
    const isTried = !health.isWell && health.mayBeTried(performance.now());
    const isFree = this.#tries === 0 || isTrial || isWell || isTried;
    if (!isFree && !group.budget.take()) {
      place?.leave();
      if (!isBeside && !search.isPatient()) throw this.#failure ?? unavailable(this.#candidates);
      return yield* race.wait(group.news('well', BUDGET_PAUSE * (1 + Math.random()), signal));
    }
    this.#begin(server, candidate, place);
    if (this.#tries > 1) yield this.#work.alive; // who waits for a sign of life gets one for each server
    return undefined;
  }

  /** Waits for a place, unless there is other news before. */
  async *#waitForPlace(
    entered: Promise<ServerPlace>,
    queue: AbortController,
    candidate: Candidate,
  ): AsyncGenerator<E, RaceNews<E, ServerPlace | undefined>> {
    let isTaken = false;
    try {
      // Where none does well, those that are left alone may be better than those for which one waits.
      const pause = this.#search.hasWell(candidate) ? [] : [candidate.group.news('well', DOUBTFUL_PAUSE, this.#signal)];
      const news = yield* this.#race.wait(Promise.race([entered, ...pause]));
      isTaken = news.type === 'came' && news.came !== undefined;
      return news;
    } finally {
      if (!isTaken) {
        queue.abort();
        void entered.then(
          (late) => late.leave(),
          () => {},
        );
      }
    }
  }

  #begin(server: OpenServer, candidate: Candidate, place: ServerPlace | undefined): void {
    this.#search.asked(server, candidate);
    this.#candidate = candidate;
    const begin = carried(this.#work, server, candidate);
    if (begin instanceof ApiError) {
      place?.leave();
      this.#failed(server, begin);
      return;
    }
    const passedOver = this.#tries++;
    this.#last = server;
    this.#call.asked(server, candidate, passedOver);
    const told = (limits: RateLimits) => {
      const pause = pauseOfLimits(limits);
      if (pause > 0) server.health.spent(pause);
      this.#answered(limits);
    };
    const { isWord, isLong = false } = this.#work;
    this.#race.start(
      (late) =>
        new Attempt<E>(server, candidate.group, this.#signal, {
          isWord,
          begin: (own) => begin(own, told),
          place,
          ...(!isLong && { late }),
          beside: this.#race.size,
        }),
    );
  }

  #heard(server: OpenServer): void {
    const candidate = this.#candidate;
    if (!candidate) return;
    if (server !== this.#last) this.#call.asked(server, candidate, this.#tries - 1); // one that was late, and answers all the same
    this.#call.heard(candidate);
  }

  /** A server has failed; throws the failure where no other can do better. */
  #failed(server: OpenServer, failure: ApiError): void {
    const candidate = this.#candidate;
    if (this.#signal.aborted || !candidate) throw failure;
    this.#failure = failure;
    if (failure.kind === 'context_length' && failure.context !== null)
      server.learnContext(candidate.model, failure.context);
    const reason = this.#search.failed(candidate, failure);
    if (reason === undefined) throw failure;
    log.warn('a model server is passed over', {
      request_id: this.#call.requestId,
      model: this.#call.model,
      url_host: nameOf(server),
      reason,
      error: describe(failure),
    });
  }
}

/** What a server is to do, or why it cannot carry it. */
function carried<E>(work: RoutedWork<E>, server: OpenServer, candidate: Candidate) {
  try {
    return work.at(server, candidate);
  } catch (error) {
    return toApiError(error);
  }
}
