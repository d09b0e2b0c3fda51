import assert from 'node:assert/strict';
import type { Isolation } from '../../handler/caller.ts';
import type { Database } from '../../handler/index.ts';
import type { Door } from '../support/doors/door.ts';
import { type Chosen, openInProcess } from '../support/doors/in-process.ts';
import { NEEDS_SOCKET, openSocket } from '../support/socket.ts';
import { Actor, type Answer } from './actor.ts';
import { type Names, type Operation, operations } from './operations.ts';
import { idsInOrder } from './same-ids.ts';
import { chosenFor, EchoModel, rowsOf, shortened, sweepLater, WHO, type Who } from './world.ts';

const MINUTES = 60_000;
const DAY = 24 * 60 * MINUTES;

/** What is done at once, by at most one operation of each; or a sweep, as if it were later. */
export type Step = readonly Operation[] | { sweep: keyof typeof sweeps };

/** What a sweep finds: what was deleted, logs that are too old, conversations that nobody uses, and all that has expired. */
const sweeps = {
  deleted: (database: Database) => sweepLater(database, 2 * MINUTES),
  logs: (database: Database) => sweepLater(database, 2 * DAY),
  conversations: (database: Database) => sweepLater(database, DAY, DAY / 2),
  expired: (database: Database) => sweepLater(database, 60 * DAY),
};

/** How two callers are told apart, and whether their ids are the same. */
export interface Setting {
  isolation: Isolation;
  sameIds: boolean;
  open(): Promise<Database>;
  /** The door that they come through. Default: the handler called as a function, which is needed for the same ids. */
  door?: (chosen: Chosen) => Promise<Door>;
}

/** What the other one was named in each operation of a run of both, for a run where the other is not there. */
type Named = Map<Operation, (string | object)[]>;

/** All that each heard in a run, in order, and what was stored of it after each sweep. */
export type Outcome = Record<Who, { answers: Answer[]; rows: string[][] }>;

/** A run: of both, or of what one of the two does; it fails at the first thing that is other than in `expected`. */
interface Run {
  named: Named;
  only?: Who;
  expected?: Outcome;
}

async function run(steps: readonly Step[], setting: Setting, { named, only, expected }: Run): Promise<Outcome> {
  const { isolation, sameIds } = setting;
  const database = await setting.open();
  const model = await EchoModel.start();
  const door = await (setting.door ?? openInProcess)(chosenFor(model, isolation, database));
  const scopes = { a: idsInOrder(), b: idsInOrder() };
  const socketFor = NEEDS_SOCKET[door.name] ? undefined : (who: Who) => openSocket(door, { [WHO]: who });
  const actorOf = (who: Who) => new Actor(who, model, (path, init) => door.fetch(path, init), socketFor);
  const actors = { a: actorOf('a'), b: actorOf('b') };
  const outcome: Outcome = { a: { answers: [], rows: [] }, b: { answers: [], rows: [] } };
  const keepRows = async () => {
    for (const who of only ? [only] : (['a', 'b'] as const)) {
      const rows = await rowsOf(database, who, isolation);
      const kept = sameIds ? rows : [`${rows.length} rows`]; // other ids have another order
      const { rows: all } = outcome[who];
      if (expected) sameRows(kept, expected[who].rows[all.length] ?? [], who);
      all.push(kept);
    }
  };
  const perform = async (operation: Operation) => {
    const { who, kind } = operation;
    const names = namesOf(actors, operation, named, only !== undefined);
    const answer = shortened(await operations[kind](actors[who], names, operation));
    const { answers } = outcome[who];
    if (expected) sameText(answer, expected[who].answers[answers.length] ?? '', JSON.stringify(operation));
    answers.push(answer);
  };
  const inScope = <T>(who: Who, act: () => Promise<T>) => (sameIds ? scopes[who](act) : act());
  try {
    for (const step of steps) {
      if ('sweep' in step) {
        await sweeps[step.sweep](database);
        await keepRows();
      } else {
        const own = step.filter(({ who }) => !only || who === only);
        await Promise.all(own.map((operation) => inScope(operation.who, () => perform(operation))));
      }
    }
    // What a turn makes while its reply is read has the ids of who reads.
    for (const who of ['a', 'b'] as const) await inScope(who, () => actors[who].release());
    await keepRows();
    return outcome;
  } finally {
    actors.a.hangUp();
    actors.b.hangUp();
    await close(door, model, database);
  }
}

/** Fails with the place where two texts differ, since they may be long. */
function sameText(actual: string, expected: string, what: string): void {
  if (actual === expected) return;
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const from = Math.max(0, at - 200);
  assert.fail(`${what}: ...${actual.slice(from, at + 200)}\nand not: ...${expected.slice(from, at + 200)}`);
}

/** Fails with the rows that only one of two lists has. */
function sameRows(actual: readonly string[], expected: readonly string[], who: Who): void {
  const only = (some: readonly string[], others: readonly string[]) =>
    some.filter((row) => !others.includes(row)).map((row) => row.slice(0, 300));
  const [more, less] = [only(actual, expected), only(expected, actual)];
  if (more.length + less.length === 0 && actual.length === expected.length) return;
  assert.fail(`what is stored of ${who}\nmore: ${more.join('\n')}\nless: ${less.join('\n')}`);
}

async function close(door: Door, model: EchoModel, database: Database): Promise<void> {
  model.release('a');
  model.release('b');
  await door.close();
  await model.server.close();
  await database.close();
}

/** What an operation names. */
function namesOf(actors: Record<Who, Actor>, operation: Operation, named: Named, isAlone: boolean): Names {
  const { who, other, n } = operation;
  const actor = actors[who];
  const record = named.get(operation) ?? [];
  const left = [...record];
  const of = <T extends string | object>(pick: (actor: Actor) => T): T => {
    if (!other) return pick(actor);
    if (isAlone) return left.shift() as T; // as the run of both has named it, in the same order
    const one = pick(actors[who === 'a' ? 'b' : 'a']);
    named.set(operation, record);
    record.push(one);
    return one;
  };
  return {
    response: () => of((actor) => actor.id('responses', n)),
    background: () => of((actor) => actor.id('background', n)),
    conversation: () => of((actor) => actor.id('conversations', n)),
    item: () => of((actor) => actor.id('items', n)),
    sealed: () => of((actor) => actor.sealedItem(n)),
  };
}

/** Fails unless each of the two hears, and has stored, what it does where the other has never been. Returns that. */
export async function compareWithAlone(steps: readonly Step[], setting: Setting): Promise<Outcome> {
  const named: Named = new Map();
  const expected = await run(steps, setting, { named });
  for (const only of ['a', 'b'] as const) await run(steps, setting, { named, only, expected });
  return expected;
}

/** Fails at the first thing that either of the two hears, or has stored, otherwise than in an earlier run. */
export async function compareWith(expected: Outcome, steps: readonly Step[], setting: Setting): Promise<void> {
  await run(steps, setting, { named: new Map(), expected });
}
