import type { Claimant } from '../caller-count.ts';
import { FairQueue } from '../fair-queue.ts';
import { preferred } from './affinity.ts';
import { FirstWords } from './first-words.ts';
import { RetryBudget } from './retry-budget.ts';
import type { OpenServer } from './server.ts';
import type { BreakerSettings, ServerNews } from './server-health.ts';

/** How calls are spread over the servers of a model, and what happens to those that fail. */
export interface RoutePolicy {
  balance: 'weighted' | 'leastLoaded' | 'affinity';
  /** How often a call is tried again once every server has failed, and after which failures the next one is tried. */
  retry: { attempts: number; on: readonly string[] };
  /** Names of models that are tried after it. */
  fallback: readonly string[];
  /** Milliseconds to the first word, from one to the next, and until another server is asked beside a silent one, at least. */
  timeouts: { firstToken?: number | undefined; idle?: number | undefined; hedge?: number | undefined };
  breaker: BreakerSettings;
  /** Milliseconds from one probe of a server to the next. Default: none. */
  probe?: number | undefined;
}

/** How much more than its share of the load a preferred server may have before another is asked: so much of it, or so many calls. */
const [MORE, CALLS_MORE] = [0.25, 4];

/** A server to call: a trial is of one that is left alone, and waits for no place. */
export interface Choice {
  server: OpenServer;
  isTrial: boolean;
}

/** A place of a call at one of a group's servers. */
export interface ServerPlace {
  /** The call has begun, so that its server counts it. */
  begin(): void;
  /** It is over, or was not made; call it once, and before its server is told. */
  leave(): void;
}

/** The servers of a model, and the policy by which they are called. */
export class ServerGroup {
  readonly servers: readonly OpenServer[];
  readonly policy: RoutePolicy;
  readonly budget = new RetryBudget();
  readonly firstWords = new FirstWords();
  /** Those who wait for a place; undefined where any number of calls may be made. */
  readonly #queue: FairQueue | undefined;
  /** Calls with a place that their servers count. */
  #begun = 0;
  #ends: (() => void)[] = [];

  constructor(servers: readonly OpenServer[], policy: RoutePolicy) {
    this.servers = servers.filter(({ weight }) => weight > 0);
    this.policy = policy;
    if (this.servers.some(({ concurrency }) => concurrency < Number.POSITIVE_INFINITY))
      this.#queue = new FairQueue({ places: 1, waiting: MAX_WAITING });
  }

  /**
   * The server to call now, of those that `skip` has not: one that may be called and has room; where none has, one that does well, for which a
   * call waits. Else undefined, but where it is the last resort: then one whose limits are spent, or one left alone that may be tried, or
   * one to wait for. Where chance would choose among several, it is the `favourite`, if that is one of them.
   */
  choose(
    key: string,
    skip: ReadonlySet<OpenServer>,
    { isLast = false, favourite }: { isLast?: boolean; favourite?: OpenServer | undefined } = {},
  ): Choice | undefined {
    const now = performance.now();
    const chosen = (servers: readonly OpenServer[], isTrial = false) => {
      const server = this.#best(servers, key, favourite);
      return server && { server, isTrial };
    };
    const left = this.servers.filter((server) => !skip.has(server));
    const isReady = ({ health }: OpenServer) => health.state(now) === 'ready';
    const ready = left.every(isReady) ? left : left.filter(isReady);
    const free = ready.every(hasRoom) ? ready : ready.filter(hasRoom);
    const well = isLast ? free.filter(({ health }) => health.isWell) : [];
    if (free.length > 0) return chosen(well.length > 0 ? well : free);
    if (ready.some(({ health }) => health.isWell)) return chosen(ready);
    if (!isLast) return undefined;
    const spent = left.filter((one) => hasRoom(one) && one.health.state(now) === 'spent');
    if (spent.length > 0) return chosen(spent, true);
    const tried = left.filter((one) => hasRoom(one) && !isReady(one) && one.health.mayBeTried(now));
    return tried.length > 0 ? chosen(tried, true) : chosen(ready);
  }

  #best(servers: readonly OpenServer[], key: string, favourite: OpenServer | undefined): OpenServer | undefined {
    if (servers.length < 2) return servers[0];
    const first = Math.min(...servers.map(({ priority }) => priority));
    const equal = this.#equal(
      servers.filter(({ priority }) => priority === first),
      key,
    );
    return favourite && equal.includes(favourite) ? favourite : atRandom(equal);
  }

  /** Milliseconds after which another server is asked beside one that is silent, at least; undefined where none is. */
  get hedge(): number | undefined {
    return this.servers.length > 1 ? this.policy.timeouts.hedge : undefined;
  }

  /** Whether one of the servers that may be called does well, whatever it has to do: then it is worth waiting for. */
  hasWell(skip: ReadonlySet<OpenServer>): boolean {
    const now = performance.now();
    return this.servers.some((one) => !skip.has(one) && one.health.isWell && one.health.state(now) === 'ready');
  }

  /** Resolves when there is such news of a server, after so many milliseconds, or when the signal aborts. Default: of any of them. */
  news(what: ServerNews, ms: number, signal: AbortSignal, servers = this.servers): Promise<undefined> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      for (const end of ends) end();
      resolve(undefined);
    };
    const ends = servers.map(({ health }) => health.on(what, over));
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over);
    if (signal.aborted) over();
    return promise;
  }

  /** Whether calls need a place. */
  get isBounded(): boolean {
    return this.#queue !== undefined;
  }

  /** A place for a call, at once or when there is one; undefined where any number of calls may be made. Rejects as a FairQueue does. */
  enter(claimant: Claimant, signal: AbortSignal): ServerPlace | Promise<ServerPlace> | undefined {
    if (!this.#queue) return undefined;
    this.#countPlaces();
    const entered = this.#queue.enter(claimant, signal);
    if (!(entered instanceof Promise)) return this.#placeOf(entered);
    this.#watch();
    return entered.then((leave) => this.#placeOf(leave));
  }

  #placeOf(leave: () => void): ServerPlace {
    let hasBegun = false;
    return {
      begin: () => {
        hasBegun = true;
        this.#begun++;
      },
      leave: () => {
        if (hasBegun) this.#begun--;
        leave();
      },
    };
  }

  /**
   * Counts the places that there are now, of servers that may be called. By what they do, since calls that began before the configuration
   * was loaded again count as well.
   */
  #countPlaces(): void {
    const now = performance.now();
    let places = this.#begun;
    for (const { health, concurrency } of this.servers)
      if (health.state(now) === 'ready') places += Math.max(0, concurrency - health.load);
    this.#queue?.setLimits({ places: Math.max(1, places), waiting: MAX_WAITING });
  }

  /** Counts them at all news of the servers for as long as somebody waits. */
  #watch(): void {
    if (this.#ends.length > 0) return;
    const count = () => {
      this.#countPlaces();
      if (this.#queue?.counts.waiting === 0) for (const end of this.#ends.splice(0)) end();
    };
    this.#ends = this.servers.flatMap(({ health }) => [health.on('well', count), health.on('freed', count)]);
  }

  /** Those among which chance chooses. */
  #equal(servers: readonly OpenServer[], key: string): readonly OpenServer[] {
    const { balance } = this.policy;
    if (servers.length < 2 || balance === 'weighted') return servers;
    if (balance === 'leastLoaded' || key === '') return leastLoaded(servers);
    let [load, weight] = [1, 0];
    for (const server of servers) {
      load += server.health.load;
      weight += server.weight;
    }
    // Where little is done chance alone gives one server some calls more than another, and a cold cache costs more than they do.
    const more = Math.max(MORE * load, CALLS_MORE * servers.length);
    const order = preferred(servers, key);
    const best = order.find((server, at) => {
      const most = (load + (at === 0 ? more : 0)) * server.weight;
      return server.health.load < Math.ceil(most / weight);
    });
    return best ? [best] : leastLoaded(servers);
  }
}

function hasRoom({ health, concurrency }: OpenServer): boolean {
  return health.load < concurrency;
}

/** The most calls that wait for a server of one model. */
const MAX_WAITING = 10_000;

function leastLoaded(servers: readonly OpenServer[]): OpenServer[] {
  // With the call that is to be made, so that of idle ones that with the most weight is first.
  const loads = servers.map(({ health, weight }) => (health.load + 1) / weight);
  const least = Math.min(...loads);
  return servers.filter((_, at) => loads[at] === least);
}

/** One of them by chance, each as often as its weight. */
function atRandom(servers: readonly OpenServer[]): OpenServer | undefined {
  let at = Math.random() * servers.reduce((sum, { weight }) => sum + weight, 0);
  for (const server of servers) {
    at -= server.weight;
    if (at < 0) return server;
  }
  return servers[0];
}
