import type { Claimant } from '../caller-count.ts';
import { ApiError, toApiError, whyAborted } from '../errors.ts';
import { describe, log } from '../log.ts';
import { Attempt, nameOf } from './attempt.ts';
import { pauseOfLimits } from './failure.ts';
import { type Candidates, Search, unavailable } from './search.ts';
import type { OpenServer } from './server.ts';
import type { ServerGroup } from './server-group.ts';

/** Something that a server does for a call. */
export interface RoutedWork<E> {
  /**
   * Gives the events; nothing is sent before the first is pulled. `answered` takes what the server says of its rate limits. Throws an
   * ApiError for what this server cannot carry.
   */
  at(server: OpenServer, group: ServerGroup): Begin<E>;
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
  asked(server: OpenServer, group: ServerGroup, passedOver: number): void;
  /** A server of a group has given its first word. */
  heard(group: ServerGroup): void;
}

/** How long one waits for something to be left of the budget, in milliseconds; by chance up to twice as long. */
const BUDGET_PAUSE = 100;

/** How often a sign of life comes while one waits, in milliseconds. */
const ALIVE_MS = 5_000;

/**
 * Calls servers one after the other, as `search` has them and within the budget of what is tried again, until one gives its first word; from
 * then on the events are that server's.
 */
export function routedCall<E>(
  work: RoutedWork<E>,
  candidates: Candidates,
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
      if (attempt) await attempt.return();
      else await opening.return(undefined as never); // it has given nothing that anybody reads
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
  candidates: Candidates,
  call: CallOf,
  signal: AbortSignal,
  answered: (limits: RateLimits) => void,
): AsyncGenerator<E, Opened<E>> {
  const search = new Search(candidates, call.affinity, call.first);
  let failure: ApiError | undefined;
  let tries = 0;
  candidates.groups[0]?.budget.asked();
  for (;;) {
    const step = search.next();
    if (!step) throw failure ?? unavailable(candidates);
    const { group } = step;
    if (step.wait !== undefined) {
      yield* pausing(group.change(step.wait), work.alive, signal);
      continue;
    }
    if (tries > 0) yield work.alive; // who waits for a sign of life gets one for each server
    const leave = group.queue && (yield* takePlace(group, call.claimant, work.alive, signal));
    const server = search.choose(group); // others have come and gone meanwhile
    if (!server) {
      leave?.();
      continue;
    }
    // One that is left alone is tried by one call at a time, which is bound enough.
    const isFree = tries === 0 || server.health.mayBeTried(performance.now());
    if (!isFree && !group.budget.take()) {
      leave?.();
      if (!search.isPatient()) throw failure ?? unavailable(candidates);
      yield* pausing(group.change(BUDGET_PAUSE * (1 + Math.random())), work.alive, signal);
      continue;
    }
    search.asked(server);
    const begin = carried(work, server, group);
    if (begin instanceof ApiError) leave?.();
    else tries++;
    const opened =
      begin instanceof ApiError
        ? begin
        : yield* tryServer({ work, server, group, begin, leave, call, signal, answered, passedOver: tries - 1 });
    if (!(opened instanceof ApiError)) return opened;
    if (signal.aborted) throw opened;
    failure = opened;
    const reason = search.failed(group, opened);
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
function carried<E>(work: RoutedWork<E>, server: OpenServer, group: ServerGroup) {
  try {
    return work.at(server, group);
  } catch (error) {
    return toApiError(error);
  }
}

interface Try<E> {
  work: RoutedWork<E>;
  server: OpenServer;
  group: ServerGroup;
  begin: Begin<E>;
  /** Gives back its place. */
  leave: (() => void) | undefined;
  call: CallOf;
  signal: AbortSignal;
  answered(limits: RateLimits): void;
  passedOver: number;
}

/** Asks one server; gives the attempt with its first word, or what it failed with. */
async function* tryServer<E>({
  work,
  server,
  group,
  begin,
  leave,
  call,
  signal,
  answered,
  passedOver,
}: Try<E>): AsyncGenerator<E, Opened<E> | ApiError> {
  call.asked(server, group, passedOver);
  const told = (limits: RateLimits) => {
    const pause = pauseOfLimits(limits);
    if (pause > 0) server.health.pause(pause);
    answered(limits);
  };
  const attempt = new Attempt<E>(server, group.policy, signal, {
    isWord: work.isWord,
    begin: (own) => begin(own, told),
    leave,
  });
  let isHanded = false;
  try {
    for (;;) {
      const first = await attempt.next();
      if (first.done || work.isWord(first.value)) {
        isHanded = true;
        call.heard(group);
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

/** A place at one of a group's servers, which the function that it gives leaves. */
async function* takePlace<E>(
  group: ServerGroup,
  claimant: Claimant,
  alive: E,
  signal: AbortSignal,
): AsyncGenerator<E, (() => void) | undefined> {
  group.countPlaces();
  const entered = group.queue?.enter(claimant, signal);
  let isTaken = false;
  try {
    const leave = yield* waiting(entered, alive);
    isTaken = true;
    return leave;
  } finally {
    if (!isTaken)
      void Promise.resolve(entered).then(
        (leave) => leave?.(),
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

/** Waits for something that ends by itself, with signs of life; rejects when the signal aborts. */
async function* pausing<E>(what: Promise<void>, alive: E, signal: AbortSignal): AsyncGenerator<E, void> {
  if (signal.aborted) throw whyAborted(signal);
  const { promise, reject } = Promise.withResolvers<never>();
  const leave = () => reject(whyAborted(signal));
  signal.addEventListener('abort', leave, { once: true });
  try {
    yield* waiting(Promise.race([what, promise]), alive);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
