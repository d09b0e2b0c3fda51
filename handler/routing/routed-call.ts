import type { Claimant } from '../caller-count.ts';
import { ApiError, toApiError, whyAborted } from '../errors.ts';
import { describe, log } from '../log.ts';
import { Attempt, nameOf } from './attempt.ts';
import { isIn, isOfOneServer, pauseOfLimits, reasonOf } from './failure.ts';
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

/** The groups to try: that of the model, then those of its fallbacks. A later one that `fits` an overflow has a larger context. */
export interface Candidates {
  groups: readonly ServerGroup[];
  fits(group: ServerGroup, than: ServerGroup): boolean;
}

/** How long one waits before servers are tried again: from so many milliseconds on, twice as long each time, up to so many. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [100, 5_000];

/** How often a sign of life comes while one waits, in milliseconds. */
const ALIVE_MS = 5_000;

/**
 * Calls servers one after the other until one gives its first word; from then on the events are that server's. Each is tried once, as
 * far as its failure lets another one do better, and within the budget of what is tried again; then all of them once more, with a pause,
 * as often as the policy says; then those of the fallbacks; and when no other is left, those that are left alone after failures.
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
  { groups, fits }: Candidates,
  call: CallOf,
  signal: AbortSignal,
  answered: (limits: RateLimits) => void,
): AsyncGenerator<E, Opened<E>> {
  const tried = new Set<OpenServer>();
  let failure: ApiError | undefined;
  let overflowed: ServerGroup | undefined;
  let tries = 0;
  groups[0]?.budget.asked();
  const passes = [false, true].flatMap((isOpen) => groups.map((group) => ({ group, isOpen })));
  for (const { group, isOpen } of passes) {
    if (overflowed && (group === overflowed || !fits(group, overflowed))) continue;
    const { retry } = group.policy;
    for (let again = 0; ; ) {
      const options = { isOpen, favourite: call.first };
      let server = group.choose(call.affinity, tried, options);
      if (!server) {
        const pause = isOpen || again >= retry.attempts ? undefined : pauseBefore(group, again);
        if (pause === undefined) break;
        again++;
        yield* pausing(pause, work.alive, signal);
        for (const one of group.servers) tried.delete(one);
        continue;
      }
      if (tries > 0 && !group.budget.take()) throw failure ?? unavailable(groups);
      if (tries > 0) yield work.alive; // who waits for a sign of life gets one for each server
      let leave: (() => void) | undefined;
      if (group.queue) {
        leave = yield* takePlace(group, call.claimant, work.alive, signal);
        server = group.choose(call.affinity, tried, options) ?? server; // others have come and gone meanwhile
      }
      tried.add(server);
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
      const reason = reasonOf(opened);
      if (reason === 'context_length') overflowed = group;
      else if (!isIn(retry.on, reason) && !isOfOneServer(opened, reason)) throw opened;
      log.warn('a model server is passed over', {
        request_id: call.requestId,
        model: call.model,
        url_host: nameOf(server),
        reason,
        error: describe(opened),
      });
      if (overflowed) break;
    }
  }
  throw failure ?? unavailable(groups);
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

/**
 * How long to wait before all servers of a group are tried again: some time by chance, so that not all callers come back at once, or as long as
 * the one that may be called soonest has asked for; undefined where that is too long.
 */
function pauseBefore({ servers }: ServerGroup, again: number): number | undefined {
  const now = performance.now();
  const soonest = Math.min(...servers.map(({ health }) => health.pauseLeft(now)));
  if (soonest > LONGEST_PAUSE) return undefined;
  return soonest + Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** again);
}

/** Waits for some time, with signs of life; rejects when the signal aborts. */
async function* pausing<E>(ms: number, alive: E, signal: AbortSignal): AsyncGenerator<E, void> {
  if (signal.aborted) throw whyAborted(signal);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const leave = () => reject(whyAborted(signal));
  signal.addEventListener('abort', leave, { once: true });
  try {
    yield* waiting(promise, alive);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  }
}

/** The error where no server was asked: each has asked to be left alone, or is, after failures. */
function unavailable(groups: readonly ServerGroup[]): ApiError {
  const now = performance.now();
  const pauses = groups.flatMap(({ servers }) => servers.map(({ health }) => health.pauseLeft(now)));
  const soonest = Math.min(...pauses.filter((pause) => pause > 0));
  if (soonest === Number.POSITIVE_INFINITY)
    return new ApiError('overloaded', 'No server of the model can be called now.', { headers: { 'retry-after': '1' } });
  const seconds = String(Math.ceil(soonest / 1_000));
  return new ApiError('rate_limit', `The model backend is at its rate limit. Please try again in ${seconds}s.`, {
    headers: { 'retry-after': seconds },
  });
}
