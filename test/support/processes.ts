import assert from 'node:assert/strict';
import { statementsOf, withBatch } from '../../handler/state/database/batch.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { raw, read, sql } from '../../handler/state/database/sql.ts';
import { ended } from '../promises/background.ts';
import { stored, until } from '../promises/state-ask.ts';
import { testDatabase } from './doors/database.ts';
import { testConfig } from './doors/door.ts';
import { type InProcess, openInProcess } from './doors/in-process.ts';
import { checkStream, parseStream, type Stream } from './sse.ts';

/** How long a process may be silent before others take its turns, in milliseconds. */
export const LEASE = 300;

/** A process's way to its database, by which it is made to die: of the dead nothing is written any more. */
export interface Mortal {
  database: Database;
  die(): void;
  /** Has it die right before, or right after, it writes a statement like this. */
  dieBefore(text: RegExp): void;
  dieAfter(text: RegExp): void;
  /** Stops it, as SIGSTOP does, with whatever it is about to write. */
  pause(): void;
  goOn(): void;
}

/** Makes a way to the database that a process can lose. */
export function mortal(whole: Database): Mortal {
  const NEVER = /$^/;
  let dead = false;
  let before = NEVER;
  let after = NEVER;
  let paused = Promise.withResolvers<void>();
  paused.resolve();
  return {
    database: withBatch(whole, (below) => async (statements) => {
      await paused.promise;
      const texts = statementsOf(statements).map(({ text }) => text);
      dead ||= texts.some((text) => before.test(text));
      if (dead) throw new Error('this process is dead');
      dead = texts.some((text) => after.test(text));
      const rows = await below.batch(statements);
      if (dead) throw new Error('this process is dead');
      return rows;
    }),
    die() {
      dead = true;
    },
    dieBefore(text) {
      before = text;
    },
    dieAfter(text) {
      after = text;
    },
    pause() {
      paused = Promise.withResolvers();
    },
    goOn() {
      paused.resolve();
    },
  };
}

/** Two processes on one database that call the same models, of which the first may die. */
export interface Processes extends Omit<Mortal, 'database'> {
  whole: Database;
  first: InProcess;
  second: InProcess;
}

/** Opens two processes, which end with the test; their lease is `LEASE` unless another is given. */
export async function processes(t: { after(fn: () => Promise<void>): void }, lease = LEASE): Promise<Processes> {
  const whole = await testDatabase();
  const { database, ...ways } = mortal(whole);
  const first = await openInProcess({ database, lease });
  const second = await openInProcess({ database: whole, lease, config: testConfig(first.model) });
  t.after(async () => {
    ways.goOn();
    await second.close();
    await first.close();
  });
  return { whole, first, second, ...ways };
}

/** The response once a process that goes on looking for turns has it ended. */
export async function takenOver(door: InProcess, id: string) {
  await until(async () => {
    await door.resume();
    const { status } = await stored(door, id);
    return status !== 'queued' && status !== 'in_progress';
  });
  return ended(door, id);
}

/** Someone who reads the events of a background response. */
export interface Reader {
  /** Resolves when this has been read. */
  seen(pattern: RegExp): Promise<void>;
  /** All that is read, once it has ended. */
  whole: Promise<Stream>;
}

/** Reads the events of a response through a door; what comes is held to what is true of every stream. */
export function reads(door: InProcess, id: string): Reader {
  let text = '';
  const read = async () => {
    const reply = await door.fetch(`/v1/responses/${id}?stream=true`);
    const decoder = new TextDecoder();
    for await (const chunk of reply.body ?? []) text += decoder.decode(chunk, { stream: true });
    assert.equal(reply.status, 200, text);
    const whole = parseStream(text);
    checkStream(whole);
    return whole;
  };
  const whole = read();
  whole.catch(() => {}); // whoever does not wait for the end may close its process before
  return { whole, seen: (pattern) => until(() => pattern.test(text)) };
}

/** How many rows each table has that holds something of responses. */
export async function rowsOf(database: Database): Promise<Record<string, number>> {
  const tables = ['responses', 'items', 'chunks', 'jobs', 'events'];
  const counts = tables.map((table) => read(sql`SELECT count(*) AS n FROM ${raw(table)}`));
  const counted = await database.batch({ counts });
  return Object.fromEntries(tables.map((table, index) => [table, Number(counted.counts[index]?.n)]));
}
