import { after, before, describe, test } from 'node:test';
import type { Door, DoorName } from '../support/doors/door.ts';
import { LONG } from '../support/long.ts';

/** The id of a promise: its area, a dot, and its subject. */
export type PromiseId = string;

/** What the product promises, in a sentence, and where the promise comes from. */
export interface Promised {
  says: string;
  source: string;
  /** Whether it is kept where the configuration has `hosted`. */
  hosted?: boolean;
}

/** Doors that cannot show a promise, each with the reason. */
export type Skips = Partial<Record<DoorName, string>>;

interface Registered extends Promised {
  id: PromiseId;
  skips: Skips;
  run(door: Door): Promise<void>;
}

/** Every promise, in the order in which they were made; `all.ts` makes them. */
export const registered: Registered[] = [];

/**
 * Makes a promise, with the test that shows it through every door that it does not skip. Throws for an id that is taken.
 * `docs/promises.md` lists them all: `node test/support/promises-page.ts` writes it.
 */
export function promise(
  id: PromiseId,
  { says, source, hosted = false }: Promised,
  run: (door: Door) => Promise<void>,
  skips: Skips = {},
): void {
  if (registered.some((other) => other.id === id)) throw new Error(`there are two promises ${id}`);
  registered.push({ id, says, source, hosted, run, skips });
}

/** The original mode hands over neither path, method nor headers of a request. */
export const NEEDS_HEADERS: Skips = { 'envoy-original': 'the original mode hands over only the body of a POST' };

/** Host and Origin are checked where a web page can reach the product by DNS rebinding. */
export const NEEDS_LOOPBACK: Skips = {
  'in-process': 'a function call comes by no network',
  workerd: 'Workers are called by the names that they are deployed under',
};

/** Envoy's buffered modes hold a reply back until it is whole. */
export const NEEDS_LIVE: Skips = {
  'envoy-buffered': 'Envoy sends a buffered reply when it is whole',
  'envoy-original': 'Envoy sends a buffered reply when it is whole',
};

/** Server-side tools of tests exist only where the test makes the handler. */
export const NEEDS_TEST_TOOL: Skips = {
  workerd: 'the worker is the product as it is deployed, without test tools',
  deno: 'the test tool counts its uses, and they would be counted in another process',
  bun: 'the test tool counts its uses, and they would be counted in another process',
};

/** For models that say something and then break the connection, where that is looked for: measured with a bare `fetch`. */
export const NEEDS_LAST_WORDS: Skips = { bun: "Bun's fetch may lose what came just before a connection broke" };

/** Promises kept at a time, beside those that wait for a limit: few enough share the process fairly. */
const AT_ONCE = 6;

/** Promises that wait for a limit of seconds: they begin first, and the others fill the time. */
const WAITING =
  /^(limit\.(turn|idle-)|conversation-lock\.unread|background\.limits|input-tokens\.fallback|stored\.failed)/;

/** In milliseconds, of a promise that hangs: those of hundreds of requests take long on a busy machine. */
const TIMEOUT = 120_000;

/** Which promises are run, where several processes share them: one of so many parts of those that it takes, by default all. */
export interface Share {
  part?: number;
  of?: number;
  takes?: (id: PromiseId) => boolean;
}

/**
 * The promises that a door is tried with in `npm test` where another door that has them all shares its code: one of four parts.
 * `npm run test:long` has them all.
 */
export function quarter(part: 0 | 1 | 2 | 3): Share {
  return LONG ? {} : { part, of: 4 };
}

/**
 * Runs all promises, or a share of them, through one door, which is opened a second time for those that want `hosted`; `unless` gives the reason to skip one that this door as it is
 * cannot keep.
 */
export function runPromises(
  open: (hosted: boolean) => Promise<Door>,
  name: DoorName,
  unless?: (id: PromiseId) => string | false,
  { part = 0, of = 1, takes = () => true }: Share = {},
): void {
  const shared = registered.filter(({ id }) => takes(id)).filter((_, index) => index % of === part);
  // A door that has all of them has enough else to do.
  const waiting = of > 1 ? shared.filter(({ id }) => WAITING.test(id)) : [];
  const others = shared.filter((promised) => !waiting.includes(promised));
  describe(name, { concurrency: AT_ONCE + waiting.length }, () => {
    let door: Door;
    let withHosted: Promise<Door> | undefined;
    const openHosted = () => {
      withHosted ??= open(true);
      return withHosted;
    };
    before(async () => {
      door = await open(false);
    });
    after(async () => {
      await door?.close();
      await (await withHosted)?.close();
    });
    for (const { id, says, run, skips, hosted } of [...waiting, ...others]) {
      test(`${id}: ${says}`, { skip: skips[name] ?? unless?.(id) ?? false, timeout: TIMEOUT }, async () =>
        run(hosted ? await openHosted() : door),
      );
    }
  });
}
