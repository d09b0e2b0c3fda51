import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { databaseContract } from '../../handler/state/database/contract.ts';
import {
  type Batch,
  Conflict,
  type Database,
  type Row,
  type Rows,
  type Statement,
  StorageFull,
} from '../../handler/state/database/database.ts';
import { migrate } from '../../handler/state/database/schema.ts';
import { read, sql, write } from '../../handler/state/database/sql.ts';
import { sqliteDatabase } from '../../handler/state/database/sqlite.ts';
import { tryContract } from '../support/contract.ts';
import { newFolder } from '../support/folder.ts';

tryContract('sqlite in memory', databaseContract, async () => {
  const database = sqliteDatabase(new DatabaseSync(':memory:'));
  return { database, fill: () => fill(database), close: () => database.close() };
});

/** Writes on a connection, and commits once it is told to. */
async function lock(connection: DatabaseSync): Promise<() => Promise<void>> {
  connection.exec("BEGIN IMMEDIATE; INSERT INTO owners (id, alive_until) VALUES ('theirs', 0)");
  return async () => {
    connection.exec('COMMIT');
    connection.close();
  };
}

/** Lets a database grow no more. */
async function fill(database: Database): Promise<void> {
  await database.batch({ bound: write(sql`PRAGMA max_page_count = 1`) }); // no less than what there is
}

tryContract('sqlite in a file', databaseContract, async () => {
  const dir = newFolder();
  const connect = () => new DatabaseSync(join(dir, 'a.db'));
  const open = () => sqliteDatabase(connect(), { synchronous: 'full', defer: setImmediate });
  const database = open();
  const another = open();
  return {
    database,
    another,
    fill: () => fill(database),
    lock: () => lock(connect()),
    async close() {
      await database.close();
      await another.close();
    },
  };
});

test('sqlite in a file: writes ahead, and waits for the disk as configured', async () => {
  const dir = newFolder();
  for (const [synchronous, level] of [
    ['normal', 1],
    ['full', 2],
  ] as const) {
    const connection = new DatabaseSync(join(dir, `${synchronous}.db`));
    sqliteDatabase(connection, { synchronous });
    assert.equal(connection.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
    assert.equal(connection.prepare('PRAGMA synchronous').get()?.synchronous, level);
    connection.close();
  }
});

/** A file with two connections: a database, and one that holds the write lock. */
async function locked(t: TestContext, patience?: number) {
  const dir = newFolder();
  const database = sqliteDatabase(new DatabaseSync(join(dir, 'a.db')), {
    defer: setImmediate,
    ...(patience && { patience }),
  });
  await migrate(database);
  const other = new DatabaseSync(join(dir, 'a.db'));
  t.after(() => other.close());
  const insert = (id: string): Statement => write(sql`INSERT INTO owners (id, alive_until) VALUES (${id}, 0)`);
  other.exec('BEGIN IMMEDIATE');
  other.exec("INSERT INTO owners (id, alive_until) VALUES ('taken', 0)");
  return { database, other, insert };
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 10));

test('sqlite in a file: while another process writes all else goes on, and then each write has its own outcome', async (t) => {
  const { database, other, insert } = await locked(t);
  let settled = 0;
  const batch = (...statements: Statement[]) => database.batch({ statements }).finally(() => settled++);
  const outcomes = Promise.allSettled([
    batch(insert('a')),
    batch(insert('b'), read(sql`SELECT 1 FROM nowhere`)),
    batch(insert('c'), insert('taken')),
  ]);
  await tick();
  const late = batch(insert('d'));
  for (let ticks = 0; ticks < 5; ticks++) await tick();
  assert.equal(settled, 0, 'they wait');
  const { counted } = await database.batch({ counted: read(sql`SELECT count(*) AS n FROM owners`) });
  assert.equal(counted[0]?.n, 0, 'who reads does not');
  other.exec('COMMIT');
  const [first, wrong, refused] = await outcomes;
  await late;
  assert.deepEqual([first?.status, wrong?.status, refused?.status], ['fulfilled', 'rejected', 'rejected']);
  assert.ok(refused?.status === 'rejected' && refused.reason instanceof Conflict);
  assert.deepEqual(
    other
      .prepare('SELECT id FROM owners ORDER BY id')
      .all()
      .map(({ id }) => id),
    ['a', 'd', 'taken'],
  );
  await database.close();
});

test('sqlite in a file: who writes for ever lets nobody wait for as long, and a database closes once nobody waits', async (t) => {
  const { database, other, insert } = await locked(t, 100);
  const outcomes = Promise.allSettled([database.batch({ a: insert('a') }), database.batch({ b: insert('b') })]);
  await tick();
  await database.close();
  for (const outcome of await outcomes) {
    assert.ok(outcome.status === 'rejected' && !(outcome.reason instanceof Conflict));
    assert.match(String(outcome.reason), /locked/);
  }
  other.exec('ROLLBACK');
});

/** Waits until the event loop has polled for I/O. Reading a file would wait for a thread as well. */
function message(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port2.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port2.start();
    port1.postMessage(null);
  });
}

test('sqlite: a crowd of long reads and of large writes lets others in between', async (t) => {
  const database = sqliteDatabase(new DatabaseSync(':memory:'), { defer: setImmediate });
  t.after(() => database.close());
  await migrate(database);
  const long = read(sql`WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) SELECT max(i) FROM n`);
  const text = 'x'.repeat(2_000_000);
  const large = (n: number) => write(sql`INSERT INTO secrets (id, key) VALUES (${`${n}`}, ${text})`);
  for (const crowd of [() => long, large]) {
    let ended = 0;
    const all = Array.from({ length: 60 }, (_, n) => database.batch({ crowd: crowd(n) }).then(() => ended++));
    await new Promise((resolve) => setTimeout(resolve, 0));
    await message(); // goes on where new requests are heard
    assert.ok(ended < all.length / 2, `${ended} had ended before anybody else had a turn`);
    await database.batch({ little: read(sql`SELECT 1`) });
    assert.ok(ended < all.length, 'who comes later and wants little does not wait for all');
    await Promise.all(all);
  }
});

type RunBatch = <B extends Batch>(statements: B) => Promise<Rows<B>>;

/** Drivers that each break the contract in a way of their own. */
const broken: Record<string, (whole: Database) => RunBatch> = {
  'is not all or nothing': (whole) =>
    async function batch<B extends Batch>(statements: B) {
      const rows = {};
      for (const [name, entry] of Object.entries(statements)) Object.assign(rows, await whole.batch({ [name]: entry }));
      return rows as Rows<B>; // each name has its rows
    },
  'tells a conflict as any error': (whole) => (statements) =>
    whole.batch(statements).catch((error) => {
      throw new Error(String(error));
    }),
  'tells any error as a conflict': (whole) => (statements) =>
    whole.batch(statements).catch((error) => {
      throw new Conflict(String(error));
    }),
  'gives only the first rows of a list': (whole) => (statements) =>
    whole
      .batch(statements)
      .then((rows) => changed(rows, (all, name) => ('kind' in (statements[name] ?? {}) ? all : all.slice(0, 1)))),
  'gives large numbers as texts': (whole) => (statements) =>
    whole
      .batch(statements)
      .then((rows) =>
        changed(rows, (all) =>
          all.map((row) =>
            Object.fromEntries(
              Object.entries(row).map(([name, value]) => [name, Number(value) > 1e9 ? String(value) : value]),
            ),
          ),
        ),
      ),
  'cuts texts at NUL': (whole) => (statements) =>
    whole
      .batch(statements)
      .then((rows) =>
        changed(rows, (all) =>
          all.map((row) => (row.more ? { ...row, more: String(row.more).split('\\u0000')[0] ?? '' } : row)),
        ),
      ),
};

/** The rows of a batch, changed name by name. */
function changed<R extends Rows<Batch>>(rows: R, change: (all: readonly Row[], name: string) => readonly Row[]): R {
  return Object.fromEntries(Object.entries(rows).map(([name, all]) => [name, change(all, name)])) as R; // the same names
}

for (const [what, breaks] of Object.entries(broken)) {
  test(`the contract refuses a driver that ${what}`, async () => {
    const open = async () => {
      const whole = sqliteDatabase(new DatabaseSync(':memory:'));
      return { database: { ...whole, batch: breaks(whole) }, close: () => whole.close() };
    };
    const refused = async () => {
      for (const { run } of databaseContract) {
        const reason = await run(open).then(() => undefined, String);
        if (reason) return reason;
      }
      return undefined;
    };
    const reason = await refused();
    assert.ok(reason);
  });
}

/** Drivers that break one promise, with what the contract says of it. */
const faults: [what: string, promise: string, says: RegExp, change: (whole: Database) => Partial<Database>][] = [
  [
    'tells a full disk as any error',
    'what there is no room for',
    /"another error", and not "StorageFull"/,
    (whole) => ({
      batch: (statements) =>
        whole.batch(statements).catch((error) => {
          throw error instanceof StorageFull ? new Error('full') : error;
        }),
    }),
  ],
  [
    'reads as one who writes',
    'who reads waits for nobody',
    /reads beside one who writes/,
    (whole) => ({
      batch: (statements) => whole.batch({ ...statements, lock: write(sql`PRAGMA user_version`) }),
    }),
  ],
  [
    'works on once it is closed',
    'what was asked before it closes',
    /and came to: undefined/,
    () => ({ async close() {} }),
  ],
  [
    'says nothing clear once it is closed',
    'what was asked before it closes',
    /and came to: Error: finalized/,
    (whole) => ({
      batch: (statements) =>
        whole.batch(statements).catch((error) => {
          throw /closed/.test(String(error)) ? new Error('finalized') : error;
        }),
    }),
  ],
  [
    'gives up what was asked when it closes',
    'what was asked before it closes',
    /what was asked before/,
    (whole) => {
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      return {
        batch: (statements) =>
          Promise.race([
            closed.then(() => Promise.reject(new Error('closed'))),
            tick().then(() => whole.batch(statements)),
          ]),
        async close() {
          resolve();
          await tick();
          await tick();
          await whole.close();
        },
      };
    },
  ],
  [
    'cannot be closed again',
    'what was asked before it closes',
    /not open/,
    (whole) => {
      let times = 0;
      return {
        async close() {
          if (times++ === 1) throw new Error('it is not open');
          await whole.close();
        },
      };
    },
  ],
];

for (const [what, promise, says, change] of faults) {
  test(`the contract refuses a driver that ${what}`, async () => {
    const { run } = databaseContract.find(({ name }) => name.startsWith(promise)) ?? assert.fail(promise);
    const dir = newFolder();
    const connect = () => new DatabaseSync(join(dir, 'a.db'));
    const open = async () => {
      const whole = sqliteDatabase(connect(), { patience: 50 });
      const database = { ...whole, ...change(whole) };
      return { database, fill: () => fill(whole), lock: () => lock(connect()), close: () => whole.close() };
    };
    await assert.rejects(run(open), says);
  });
}
