import { ApiError } from '../errors.ts';
import { type Candidate, isLarger } from './candidates.ts';
import { isIn, isOfOneServer, reasonOf } from './failure.ts';
import type { OpenServer } from './server.ts';
import type { Choice, ServerGroup } from './server-group.ts';

/** What to do next: ask a server, or wait for so many milliseconds, or until a server of the candidate is well again if that comes first. */
export type NextStep = (Choice & { candidate: Candidate; wait?: undefined }) | { wait: number; candidate: Candidate };

/** How long one waits before servers are tried again: from so many milliseconds on, twice as long each time, up to so many. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [100, 5_000];

/** How long one waits at most before looking again for a server that may be tried, in milliseconds. */
const LOOK_MS = 250;

/** How long a call waits for servers to be well again, or for the budget, in milliseconds: less than its client does. */
const PATIENCE = 10_000;

/**
 * Which server a call asks next. Each is tried once, then all of a model again as often as its policy says, with a pause; then those of
 * the fallbacks; and when no other is left, for as long as the call is patient, those as well that are left alone.
 */
export class Search {
  readonly #candidates: readonly Candidate[];
  readonly #key: string;
  readonly #favourite: OpenServer | undefined;
  /** The servers that were tried for each candidate: two may have the same ones. */
  readonly #tried: ReadonlyMap<Candidate, Set<OpenServer>>;
  #at = 0;
  #again = 0;
  /** Until when it waits; undefined before it has begun to. */
  #until: number | undefined;
  /** Whether servers that are left alone are tried as well. */
  #isLastResort = false;
  #overflowed: Candidate | undefined;

  /** Calls with the same `key` prefer the same servers; the `favourite` is asked first where others are no better. */
  constructor(candidates: readonly Candidate[], key: string, favourite: OpenServer | undefined) {
    this.#candidates = candidates;
    this.#key = key;
    this.#favourite = favourite;
    this.#tried = new Map(candidates.map((one) => [one, new Set<OpenServer>()]));
  }

  /** What to do next; undefined where nothing is left. */
  next(): NextStep | undefined {
    const candidates = this.#candidates;
    for (; this.#at < candidates.length; this.#at++, this.#again = 0) {
      const candidate = candidates[this.#at];
      if (!candidate || this.#isSkipped(candidate)) continue;
      const choice = this.choose(candidate);
      if (choice) return { ...choice, candidate };
      const { group } = candidate;
      const wait = this.#again < group.policy.retry.attempts ? pauseBefore(group, this.#again) : undefined;
      // Who is the last resort is looked for again and again, for as long as a pause that a server has asked for.
      const isLast = this.#at === candidates.length - 1;
      if (wait === undefined || (isLast && wait > FIRST_PAUSE * 2 ** this.#again)) continue;
      this.#again++;
      this.#triedFor(candidate).clear();
      return { wait, candidate };
    }
    this.#isLastResort = true;
    return this.#anyOf(candidates.filter((one) => !this.#isSkipped(one)));
  }

  /** The same beside servers of a candidate that are asked already, and are late: of that candidate alone, and of no other model. */
  beside(candidate: Candidate, running: readonly OpenServer[]): NextStep {
    const wasLastResort = this.#isLastResort;
    this.#isLastResort = true;
    const step = this.#anyOf([candidate], running);
    this.#isLastResort = wasLastResort;
    return step ?? { wait: LONGEST_PAUSE, candidate };
  }

  /** The server of a candidate to ask now, which may have changed since `next`. */
  choose(candidate: Candidate): Choice | undefined {
    return candidate.group.choose(this.#key, this.#triedFor(candidate), {
      isLast: this.#isLastResort,
      favourite: this.#favourite,
    });
  }

  /** Whether a server that the call may still ask does well, however much it has to do. */
  hasWell(candidate: Candidate): boolean {
    return candidate.group.hasWell(this.#triedFor(candidate));
  }

  /** The servers of a candidate that it may still ask. */
  left(candidate: Candidate): OpenServer[] {
    const tried = this.#triedFor(candidate);
    return candidate.group.servers.filter((server) => !tried.has(server));
  }

  /** A server is asked. */
  asked(server: OpenServer, candidate: Candidate): void {
    this.#triedFor(candidate).add(server);
  }

  /** It has failed: the reason for the log; undefined where no other can do better. */
  failed(candidate: Candidate, failure: ApiError): string | undefined {
    const { group } = candidate;
    const reason = reasonOf(failure);
    if (reason === 'context_length') {
      this.#overflowed = candidate;
      return this.#candidates.some((one) => !this.#isSkipped(one)) ? reason : undefined;
    }
    // A fallback that is one server alone says nothing of what another may do better: the model that was asked for does.
    const policies = [this.#candidates[0]?.group.policy, group.policy];
    const isTried = policies.some((policy) => policy && isIn(policy.retry.on, reason));
    return isTried || isOfOneServer(failure, reason) ? reason : undefined;
  }

  /** Whether it may wait any longer. */
  isPatient(): boolean {
    return this.#patience(performance.now()) > 0;
  }

  /** Milliseconds that it may still wait: none where nothing is to be tried again. */
  #patience(now: number): number {
    const isPatient = this.#candidates.some(({ group }) => group.policy.retry.attempts > 0);
    this.#until ??= now + (isPatient ? PATIENCE : 0);
    return this.#until - now;
  }

  #triedFor(candidate: Candidate): Set<OpenServer> {
    return this.#tried.get(candidate) ?? new Set();
  }

  #isSkipped(candidate: Candidate): boolean {
    const overflowed = this.#overflowed;
    return overflowed !== undefined && (candidate === overflowed || !isLarger(candidate, overflowed));
  }

  /** One of them, whoever is left; who waits for those that `running` have asked has all the patience. */
  #anyOf(candidates: readonly Candidate[], running: readonly OpenServer[] = []): NextStep | undefined {
    for (const candidate of candidates) {
      const choice = this.choose(candidate);
      if (choice) return { ...choice, candidate };
    }
    const [first] = candidates;
    const now = performance.now();
    const left = running.length > 0 ? LOOK_MS : this.#patience(now);
    if (!first || left <= 0 || !(running.length > 0 || mayRecover(candidates))) return undefined;
    for (const candidate of candidates) this.#tried.get(candidate)?.clear();
    // One that is late may be asked once more: what it does now it may not do for a call that it took before.
    for (const server of running)
      if (running.indexOf(server) !== running.lastIndexOf(server)) this.#triedFor(first).add(server);
    return { wait: Math.min(left, LOOK_MS * Math.random()), candidate: first };
  }
}

/** Whether a server may do better soon at what all have failed at: it is left alone, or had too much to do. That what it did fails again is likelier. */
function mayRecover(candidates: readonly Candidate[]): boolean {
  const now = performance.now();
  return candidates.some(({ group }) =>
    group.servers.some(({ health }) => health.isBusy || health.state(now) !== 'ready'),
  );
}

/**
 * How long to wait before all servers of a group are tried again: some time by chance, so that not all callers come back at once, or as
 * long as the one that may be called soonest has asked for; undefined where that is too long, or all are left alone after failures.
 */
function pauseBefore({ servers }: ServerGroup, again: number): number | undefined {
  const now = performance.now();
  const lively = servers.filter(({ health }) => health.state(now) !== 'open');
  const soonest = Math.min(...lively.map(({ health }) => health.pauseLeft(now)));
  return soonest > LONGEST_PAUSE
    ? undefined
    : soonest + Math.random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** again);
}

/** The error where no server was asked: each has asked to be left alone, or is, after failures. */
export function unavailable(candidates: readonly Candidate[]): ApiError {
  const now = performance.now();
  const pauses = candidates.flatMap(({ group }) => group.servers.map(({ health }) => health.pauseLeft(now)));
  const soonest = Math.min(...pauses.filter((pause) => pause > 0));
  if (soonest === Number.POSITIVE_INFINITY)
    return new ApiError('overloaded', 'No server of the model can be called now.', { headers: { 'retry-after': '1' } });
  const seconds = String(Math.ceil(soonest / 1_000));
  return new ApiError('rate_limit', `The model backend is at its rate limit. Please try again in ${seconds}s.`, {
    headers: { 'retry-after': seconds },
  });
}
