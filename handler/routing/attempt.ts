import { ApiError, toApiError } from '../errors.ts';
import { isOfLoad, isOfOneServer, pauseIn, reasonOf, timedOut } from './failure.ts';
import type { OpenServer } from './server.ts';
import type { ServerGroup, ServerPlace } from './server-group.ts';

/** Checks per limit of silence: it is noticed at most 1/8 of the limit late. */
const CHECKS_PER_LIMIT = 8;

/** Milliseconds by which a timer may be early. */
const EARLY_MS = 1;

/** What an attempt is made of. */
export interface AttemptOptions<E> {
  /** Gives the events, for as long as the signal lets it. */
  begin(signal: AbortSignal): AsyncIterable<E>;
  /** Whether an event is a word of the answer. */
  isWord(event: E): boolean;
  /** Its place, which it leaves at its end. */
  place: ServerPlace | undefined;
  /** It is silent for longer than servers of its model are, though it may still answer. Default: nobody asks. */
  late?(): void;
  /** How many of its call were late before it. */
  beside: number;
}

/** One call of one server, which is told how it went. Its events are pulled one at a time. */
export class Attempt<E> {
  readonly server: OpenServer;
  readonly #group: ServerGroup;
  readonly #caller: AbortSignal;
  readonly #isWord: (event: E) => boolean;
  readonly #place: ServerPlace | undefined;
  readonly #events: AsyncIterator<E>;
  /** Ends it from here; undefined where it may take as long as it will. */
  readonly #own: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timedOut: ApiError | undefined;
  readonly #begunAt = performance.now();
  /** Whether it alone is to find out if its server is well again. */
  readonly #isTrial: boolean;
  readonly #late: (() => void) | undefined;
  readonly #beside: number;
  #isLate = false;
  #isOpen = true;
  #hasWord = false;
  #steps = 0;
  /** Whether somebody waits for an event: a slow reader is not a silent server. */
  #isPulled = false;

  /** `caller` aborts when nobody waits for the events any more. */
  constructor(
    server: OpenServer,
    group: ServerGroup,
    caller: AbortSignal,
    { begin, isWord, place, late, beside }: AttemptOptions<E>,
  ) {
    this.server = server;
    this.#group = group;
    this.#caller = caller;
    this.#isWord = isWord;
    this.#beside = beside;
    this.#place = place;
    const { firstToken, idle } = group.policy.timeouts;
    this.#late = group.hedge === undefined ? undefined : late;
    if (firstToken !== undefined || idle !== undefined || this.#late) this.#own = new AbortController();
    this.#watch();
    place?.begin();
    this.#isTrial = server.health.begin(group.policy.breaker);
    if (caller.aborted) this.#leave();
    else caller.addEventListener('abort', this.#leave, { once: true });
    this.#events = begin(this.#own?.signal ?? caller)[Symbol.asyncIterator]();
  }

  /** The next event. Rejects with the ApiError that it failed with; `done` before any word is a failure as well. */
  async next(): Promise<IteratorResult<E>> {
    this.#isPulled = true;
    try {
      const step = await this.#events.next();
      this.#steps++;
      if (step.done && !this.#hasWord) throw endedEarly();
      if (step.done) this.#over();
      else if (!this.#hasWord && this.#isWord(step.value)) this.#heard();
      return step;
    } catch (error) {
      const failure = this.#timedOut ?? toApiError(error);
      this.#failed(failure);
      throw failure;
    } finally {
      this.#isPulled = false;
    }
  }

  /** Ends it, though there may be more to come. */
  async return(): Promise<void> {
    this.#abandon();
    await this.#events.return?.();
  }

  /** Whether it is late by what is known now; where it is no longer, `late` is called again when it is. */
  isLate(): boolean {
    if (!this.#isLate || this.#silent() >= this.#lateAfter()) return this.#isLate;
    this.#isLate = false;
    clearTimeout(this.#timer);
    this.#watch();
    return false;
  }

  /** Ends it without waiting for that; one that was late has failed if another server has answered in its place. */
  drop(isBeaten: boolean): void {
    if (isBeaten && this.#isOpen && this.isLate())
      this.#tellFailed(timedOut('hedge', Math.round(performance.now() - this.#begunAt)));
    this.#abandon();
    this.#own?.abort();
    this.#events.return?.().catch(() => {}); // nobody reads what it would say
  }

  readonly #leave = () => {
    this.#own?.abort(this.#caller.reason);
    this.#abandon(); // nobody may pull any more
  };

  #abandon(): void {
    if (this.#isOpen && this.#isTrial && !this.#hasWord && !this.#isLate) this.server.health.untried();
    this.#over();
  }

  #heard(): void {
    this.#hasWord = true;
    this.server.health.succeeded(nameOf(this.server), this.#begunAt);
    if (this.#late) this.#group.firstWords.heard(performance.now() - this.#begunAt);
    clearTimeout(this.#timer);
    const { idle } = this.#group.policy.timeouts;
    if (idle === undefined) return;
    let [last, silent] = [this.#steps, 0];
    this.#timer = setInterval(() => {
      silent = this.#isPulled && this.#steps === last ? silent + 1 : 0;
      last = this.#steps;
      if (silent >= CHECKS_PER_LIMIT) this.#end(timedOut('idle', idle));
    }, idle / CHECKS_PER_LIMIT);
  }

  /** Ends it when its first word has not come in time, and says before if it is late. */
  #watch(): void {
    const { firstToken = Number.POSITIVE_INFINITY } = this.#group.policy.timeouts;
    const silent = this.#silent();
    if (silent >= firstToken) {
      this.#end(timedOut('firstToken', firstToken));
      return;
    }
    let due = firstToken;
    if (this.#late && !this.#isLate) {
      const late = this.#lateAfter();
      this.#isLate = silent >= late;
      if (!this.#isLate) due = Math.min(due, late);
    }
    if (due < Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#watch(), due - silent + EARLY_MS);
    if (!this.#isLate) return;
    this.server.health.doubted();
    this.#late?.();
  }

  /** Milliseconds for which it has said nothing, as its timer sees it. */
  #silent(): number {
    return performance.now() - this.#begunAt + EARLY_MS;
  }

  #lateAfter(): number {
    const { firstWords, hedge, servers } = this.#group;
    return hedge === undefined ? Number.POSITIVE_INFINITY : firstWords.lateAfter(hedge, this.#beside, servers.length);
  }

  #end(timedOut: ApiError): void {
    this.#timedOut = timedOut;
    this.#own?.abort(timedOut);
  }

  #failed(failure: ApiError): void {
    if (!this.#isOpen) return;
    this.#tellFailed(failure);
    this.#over();
  }

  #tellFailed(failure: ApiError): void {
    const { health } = this.server;
    const reason = reasonOf(failure);
    const pause = reason === '429' || /^5\d\d$/.test(reason) ? pauseIn(failure) : 0;
    if (pause > 0) health.pause(pause);
    if (reason === '429') health.doubted();
    else if (!isClients(failure, reason))
      health.failed(nameOf(this.server), this.#group.policy.breaker, failure, isOfLoad(reason));
    if (this.#isTrial && (reason === '429' || isClients(failure, reason))) health.untried();
  }

  #over(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#place?.leave();
    this.server.health.end();
    clearTimeout(this.#timer);
    this.#caller.removeEventListener('abort', this.#leave);
  }
}

function endedEarly(): ApiError {
  return new ApiError('server', 'The model backend ended its stream before the model was done.');
}

/** What a server is called in the log. */
export function nameOf({ address }: Pick<OpenServer, 'address'>): string {
  return address.urlHost ?? address.backend;
}

/** A failure that says nothing of how its server does, but of what was asked for. */
function isClients(failure: ApiError, reason: string): boolean {
  return failure.kind !== 'server' && !isOfOneServer(failure, reason);
}
