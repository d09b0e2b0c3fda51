import { ApiError, toApiError } from '../errors.ts';
import { isOfOneServer, pauseIn, reasonOf, timedOut } from './failure.ts';
import type { OpenServer } from './server.ts';
import type { RoutePolicy, ServerPlace } from './server-group.ts';

/** Checks per limit of silence: it is noticed at most 1/8 of the limit late. */
const CHECKS_PER_LIMIT = 8;

/** What an attempt is made of. */
export interface AttemptOptions<E> {
  /** Gives the events, for as long as the signal lets it. */
  begin(signal: AbortSignal): AsyncIterable<E>;
  /** Whether an event is a word of the answer. */
  isWord(event: E): boolean;
  /** Its place, which it leaves at its end. */
  place: ServerPlace | undefined;
}

/** One call of one server, which is told how it went. Its events are pulled one at a time. */
export class Attempt<E> {
  readonly server: OpenServer;
  readonly #policy: RoutePolicy;
  readonly #caller: AbortSignal;
  readonly #isWord: (event: E) => boolean;
  readonly #place: ServerPlace | undefined;
  readonly #events: AsyncIterator<E>;
  /** Ends it from here; undefined where it may take as long as it will. */
  readonly #own: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #late: ApiError | undefined;
  #isOpen = true;
  #hasWord = false;
  #steps = 0;
  /** Whether somebody waits for an event: a slow reader is not a silent server. */
  #isPulled = false;

  /** `caller` aborts when nobody waits for the events any more. */
  constructor(
    server: OpenServer,
    policy: RoutePolicy,
    caller: AbortSignal,
    { begin, isWord, place }: AttemptOptions<E>,
  ) {
    this.server = server;
    this.#policy = policy;
    this.#caller = caller;
    this.#isWord = isWord;
    this.#place = place;
    const { firstToken, idle } = policy.timeouts;
    if (firstToken !== undefined || idle !== undefined) this.#own = new AbortController();
    if (firstToken !== undefined)
      this.#timer = setTimeout(() => this.#end(timedOut('firstToken', firstToken)), firstToken);
    place?.begin();
    server.health.begin();
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
      const failure = this.#late ?? toApiError(error);
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

  readonly #leave = () => {
    this.#own?.abort(this.#caller.reason);
    this.#abandon(); // nobody may pull any more
  };

  #abandon(): void {
    if (this.#isOpen && !this.#hasWord) this.server.health.untold();
    this.#over();
  }

  #heard(): void {
    this.#hasWord = true;
    this.server.health.succeeded(nameOf(this.server));
    clearTimeout(this.#timer);
    const { idle } = this.#policy.timeouts;
    if (idle === undefined) return;
    let [last, silent] = [this.#steps, 0];
    this.#timer = setInterval(() => {
      silent = this.#isPulled && this.#steps === last ? silent + 1 : 0;
      last = this.#steps;
      if (silent >= CHECKS_PER_LIMIT) this.#end(timedOut('idle', idle));
    }, idle / CHECKS_PER_LIMIT);
  }

  #end(late: ApiError): void {
    this.#late = late;
    this.#own?.abort(late);
  }

  #failed(failure: ApiError): void {
    if (!this.#isOpen) return;
    const { health } = this.server;
    const reason = reasonOf(failure);
    const pause = reason === '429' || /^5\d\d$/.test(reason) ? pauseIn(failure) : 0;
    if (pause > 0) health.pause(pause);
    if (reason === '429') health.limited();
    else if (isClients(failure, reason)) health.untold();
    else health.failed(nameOf(this.server), this.#policy.breaker, failure);
    this.#over();
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
