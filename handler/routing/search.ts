import { ApiError } from '../errors.ts';
import { isIn, isOfOneServer, reasonOf } from './failure.ts';
import type { OpenServer } from './server.ts';
import type { ServerGroup } from './server-group.ts';

/** The groups to try: that of the model, then those of its fallbacks. A later one that `fits` an overflow has a larger context. */
export interface Candidates {
  groups: readonly ServerGroup[];
  fits(group: ServerGroup, than: ServerGroup): boolean;
}

/** What to do next: ask a server, or wait for so many milliseconds, or until something is known of a server if that comes first. */
export type NextStep =
  | { server: OpenServer; group: ServerGroup; wait?: undefined }
  | { wait: number; group: ServerGroup };

/** How long one waits before servers are tried again: from so many milliseconds on, twice as long each time, up to so many. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [100, 5_000];

/** How long a call waits for servers to be well again, or for the budget, in milliseconds: less than its client does. */
const PATIENCE = 10_000;

/**
 * Which server a call asks next. Each is tried once, then all of a model again as often as its policy says, with a pause; then those of
 * the fallbacks; and when no other is left, those that are left alone after failures: each by one call at a time, for whose end the others wait.
 */
export class Search {
  readonly #candidates: Candidates;
  readonly #key: string;
  readonly #favourite: OpenServer | undefined;
  readonly #tried = new Set<OpenServer>();
  #at = 0;
  #again = 0;
  /** Until when it waits; undefined before it has begun to. */
  #until: number | undefined;
  /** Whether servers that are left alone are tried as well. */
  #isLastResort = false;
  #overflowed: ServerGroup | undefined;

  /** Calls with the same `key` prefer the same servers; the `favourite` is asked first where others are no better. */
  constructor(candidates: Candidates, key: string, favourite: OpenServer | undefined) {
    this.#candidates = candidates;
    this.#key = key;
    this.#favourite = favourite;
  }

  /** What to do next; undefined where nothing is left. */
  next(): NextStep | undefined {
    const { groups } = this.#candidates;
    for (; this.#at < groups.length; this.#at++, this.#again = 0) {
      const group = groups[this.#at];
      if (!group || this.#isSkipped(group)) continue;
      const server = this.choose(group);
      if (server) return { server, group };
      const wait = this.#again < group.policy.retry.attempts ? pauseBefore(group, this.#again) : undefined;
      if (wait === undefined) continue;
      this.#again++;
      for (const one of group.servers) this.#tried.delete(one);
      return { wait, group };
    }
    return this.#lastResort();
  }

  /** The server of a group to ask now, which may have changed since `next`. */
  choose(group: ServerGroup): OpenServer | undefined {
    const ready = group.choose(this.#key, this.#tried, { favourite: this.#favourite });
    return ready || !this.#isLastResort ? ready : group.choose(this.#key, this.#tried, { isOpen: true });
  }

  /** A server is asked. */
  asked(server: OpenServer): void {
    this.#tried.add(server);
  }

  /** It has failed: the reason for the log; undefined where no other can do better. */
  failed(group: ServerGroup, failure: ApiError): string | undefined {
    const reason = reasonOf(failure);
    if (reason === 'context_length') {
      this.#overflowed = group;
      return this.#candidates.groups.some((one) => !this.#isSkipped(one)) ? reason : undefined;
    }
    return isIn(group.policy.retry.on, reason) || isOfOneServer(failure, reason) ? reason : undefined;
  }

  /** Whether it may wait any longer. */
  isPatient(): boolean {
    return this.#patience(performance.now()) > 0;
  }

  /** Milliseconds that it may still wait: none where nothing is to be tried again. */
  #patience(now: number): number {
    const isPatient = this.#candidates.groups.some(({ policy }) => policy.retry.attempts > 0);
    this.#until ??= now + (isPatient ? PATIENCE : 0);
    return this.#until - now;
  }

  #isSkipped(group: ServerGroup): boolean {
    const overflowed = this.#overflowed;
    return overflowed !== undefined && (group === overflowed || !this.#candidates.fits(group, overflowed));
  }

  #lastResort(): NextStep | undefined {
    const now = performance.now();
    const groups = this.#candidates.groups.filter((group) => !this.#isSkipped(group));
    const [first] = groups;
    this.#isLastResort = true;
    for (const group of groups) {
      const server = this.choose(group);
      if (server) return { server, group };
    }
    const left = this.#patience(now);
    const isOut = groups.some(({ servers }) => servers.some(({ health }) => health.state(now) === 'open'));
    if (!first || left <= 0 || !isOut) return undefined;
    this.#tried.clear();
    return { wait: Math.min(left, pauseOf(this.#again++)), group: first };
  }
}

/**
 * How long to wait before all servers of a group are tried again: some time by chance, so that not all callers come back at once, or as
 * long as the one that may be called soonest has asked for; undefined where that is too long.
 */
function pauseBefore({ servers }: ServerGroup, again: number): number | undefined {
  const now = performance.now();
  const soonest = Math.min(...servers.map(({ health }) => health.pauseLeft(now)));
  return soonest > LONGEST_PAUSE ? undefined : soonest + pauseOf(again);
}

function pauseOf(again: number): number {
  return Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** again);
}

/** The error where no server was asked: each has asked to be left alone, or is, after failures. */
export function unavailable({ groups }: Candidates): ApiError {
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
