import type { Claimant } from '../caller-count.ts';
import { ApiError, toApiError, whyAborted } from '../errors.ts';
import { describe, log } from '../log.ts';
import { Attempt, nameOf } from './attempt.ts';
import type { Candidate } from './candidates.ts';
import { pauseOfLimits } from './failure.ts';
import { Search, unavailable } from './search.ts';
import type { OpenServer } from './server.ts';
import type { ServerGroup, ServerPlace } from './server-group.ts';
import type { ServerNews } from './server-health.ts';

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

/** How long one waits for a server of several to have room before looking again, in milliseconds. */
const ROOM_PAUSE = 5_000;

/** How often a sign of life comes while one waits, in milliseconds. */
const ALIVE_MS = 5_000;

/**
 * Calls servers one after the other, as `search` has them and within the budget of what is tried again, until one gives its first word; from
 * then on the events are that server's.
 */
export function routedCall<E>(
  work: RoutedWork<E>,
  candidates: readonly Candidate[],
  call: CallOf,
  signal: AbortSignal,
  answered: (limits: RateLimits) => void = () => {},
): AsyncIterable<E> {
  return { [Symbol.asyncIterator]: () => iterate(open(work, candidates, call, signal, answered)) };
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

/** An attempt that has given its first word. */
interface Opened<E> {
  attempt: Attempt<E>;
  first: IteratorResult<E>;
}

async function* open<E>(
  work: RoutedWork<E>,
  candidates: readonly Candidate[],
  call: CallOf,
  signal: AbortSignal,
  answered: (limits: RateLimits) => void,
): AsyncGenerator<E, Opened<E>> {
  const search = new Search(candidates, call.affinity, call.first);
  let failure: ApiError | undefined;
  let tries = 0;
  candidates[0]?.group.budget.asked();
  for (;;) {
    const step = search.next();
    if (!step) throw failure ?? unavailable(candidates);
    const { candidate } = step;
    const { group } = candidate;
    const pause = (what: ServerNews, ms: number) => pausing(group, what, ms, work.alive, signal);
    if (step.wait !== undefined) {
      yield* pause('told', step.wait);
      continue;
    }
    if (tries > 0) yield work.alive; // who waits for a sign of life gets one for each server
    const place = yield* takePlace(group, call.claimant, work.alive, signal);
    const server = search.choose(candidate); // others have come and gone meanwhile
    if (!server) {
      place?.leave();
      continue;
    }
    const { health } = server;
    if (health.load >= server.concurrency) {
      // There are places, but none at the servers that are left to this call.
      place?.leave();
      yield* pause('freed', ROOM_PAUSE);
      continue;
    }
    // One that is well takes what others have failed at; one that is left alone is tried by one call at a time, which is bound enough.
    const isFree = tries === 0 || health.isWell || health.mayBeTried(performance.now());
    if (!isFree && !group.budget.take()) {
      place?.leave();
      if (!search.isPatient()) throw failure ?? unavailable(candidates);
      yield* pause('told', BUDGET_PAUSE * (1 + Math.random()));
      continue;
    }
    search.asked(server, candidate);
    const begin = carried(work, server, candidate);
    if (begin instanceof ApiError) place?.leave();
    else tries++;
    const opened =
      begin instanceof ApiError
        ? begin
        : yield* tryServer({ work, server, candidate, begin, place, call, signal, answered, passedOver: tries - 1 });
    if (!(opened instanceof ApiError)) return opened;
    if (signal.aborted) throw opened;
    failure = opened;
    if (opened.kind === 'context_length' && opened.context !== null)
      server.learnContext(candidate.model, opened.context);
    const reason = search.failed(candidate, opened);
    if (reason === undefined) throw opened;
    log.warn('a model server is passed over', {
      request_id: call.requestId,
      model: call.model,
      url_host: nameOf(server),
      reason,
      error: describe(opened),
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

interface Try<E> {
  work: RoutedWork<E>;
  server: OpenServer;
  candidate: Candidate;
  begin: Begin<E>;
  place: ServerPlace | undefined;
  call: CallOf;
  signal: AbortSignal;
  answered(limits: RateLimits): void;
  passedOver: number;
}

/** Asks one server; gives the attempt with its first word, or what it failed with. */
async function* tryServer<E>({
  work,
  server,
  candidate,
  begin,
  place,
  call,
  signal,
  answered,
  passedOver,
}: Try<E>): AsyncGenerator<E, Opened<E> | ApiError> {
  call.asked(server, candidate, passedOver);
  const told = (limits: RateLimits) => {
    const pause = pauseOfLimits(limits);
    if (pause > 0) server.health.pause(pause);
    answered(limits);
  };
  const attempt = new Attempt<E>(server, candidate.group.policy, signal, {
    isWord: work.isWord,
    begin: (own) => begin(own, told),
    place,
  });
  let isHanded = false;
  try {
    for (;;) {
      const first = await attempt.next();
      if (first.done || work.isWord(first.value)) {
        isHanded = true;
        call.heard(candidate);
        return { attempt, first };
      }
      yield first.value;
    }
  } catch (error) {
    return toApiError(error);
  } finally {
    if (!isHanded) await attempt.return();
  }
}

/** A place at one of a group's servers; undefined where any number of calls may be made. */
async function* takePlace<E>(
  group: ServerGroup,
  claimant: Claimant,
  alive: E,
  signal: AbortSignal,
): AsyncGenerator<E, ServerPlace | undefined> {
  const entered = group.enter(claimant, signal);
  let isTaken = false;
  try {
    const place = yield* waiting(entered, alive);
    isTaken = true;
    return place;
  } finally {
    if (!isTaken)
      void Promise.resolve(entered).then(
        (place) => place?.leave(),
        () => {},
      );
  }
}

/** Waits for something, with signs of life. */
async function* waiting<E, T>(what: T | Promise<T>, alive: E): AsyncGenerator<E, T> {
  if (!(what instanceof Promise)) return what;
  for (;;) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<typeof LATE>((resolve) => {
      timer = setTimeout(() => resolve(LATE), ALIVE_MS);
    });
    const first = await Promise.race([what, late]).finally(() => clearTimeout(timer));
    if (first !== LATE) return first;
    yield alive;
  }
}

const LATE = Symbol('late');

/** Waits for news of a group's servers, so long at most, with signs of life; throws when the signal aborts. */
async function* pausing<E>(
  group: ServerGroup,
  what: ServerNews,
  ms: number,
  alive: E,
  signal: AbortSignal,
): AsyncGenerator<E, void> {
  yield* waiting(group.news(what, ms, signal), alive);
  if (signal.aborted) throw whyAborted(signal);
}
