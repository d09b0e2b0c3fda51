import { type ContractCase, check, contractCase } from '../../contract.ts';
import { insertItems, selectItems } from '../items.ts';
import { insertBlock } from '../log.ts';
import { ProcessLease } from '../process-lease.ts';
import { sweep } from '../sweep.ts';
import { joinText, splitText, type TextKey } from '../text.ts';
import { Conflict, type Database, type Statement, StorageFull } from './database.ts';
import { race } from './race.ts';
import { migrate, migrations } from './schema.ts';
import { raw, read, sql, write } from './sql.ts';

/** A new, empty database, and a second connection to it where the kind has such a thing. */
export interface DatabaseSubject {
  database: Database;
  another?: Database;
  /** Takes its room: from then on there is none for a text of 1 MB. Only where the kind can know that it is full. */
  fill?(): Promise<void>;
  /**
   * Begins to write as somebody else, and holds the lock of those who write until what it gives is called. Only where the
   * kind has such a lock.
   */
  lock?(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** What every Database promises, whatever is below it. */
export const databaseContract: readonly ContractCase<DatabaseSubject>[] = [
  promise('a batch gives the rows of each statement, as plain values', async ({ database }) => {
    const big = 2 ** 53 - 1;
    const rows = await database.batch({
      none: owner('a', big),
      owners: OWNERS,
      deleted: write(sql`DELETE FROM owners WHERE id = ${'a'} RETURNING alive_until AS was`),
    });
    assertSame(rows, { none: [], owners: [{ id: 'a', alive_until: big }], deleted: [{ was: big }] });
    const { nothing } = await database.batch({ nothing: read(sql`SELECT ${null} AS none_at_all`) });
    assertSame(nothing, [{ none_at_all: null }]);
  }),

  promise('the rows of a list come one after another, and an empty one has none', async ({ database }) => {
    const rows = await database.batch({
      written: ['a', 'b', 'c'].map((id) => owner(id, 1)),
      nothing: [],
      each: ['c', 'd', 'a'].map((id) => read(sql`SELECT id FROM owners WHERE id = ${id}`)),
      owners: COUNT,
    });
    assertSame(rows, { written: [], nothing: [], each: [{ id: 'c' }, { id: 'a' }], owners: [{ n: 3 }] });
  }),

  promise('a batch is all or nothing, and a refused one is a Conflict', async ({ database }) => {
    await database.batch({ a: owner('a', 1) });
    const update = write(sql`UPDATE owners SET alive_until = CASE WHEN alive_until = 2 THEN 3 END WHERE id = 'a'`);
    const refused = [
      { b: owner('b', 1), a: owner('a', 2) },
      { a: owner('a', 3) },
      { d: owner('d', 1), update },
      { update },
    ];
    for (const batch of refused) assertSame(await outcomeOf(database.batch(batch)), 'Conflict');
    assertSame(await outcomeOf(database.batch({ c: owner('c', 1), nowhere: NOWHERE })), 'another error');
    assertSame(await database.batch({ owners: OWNERS }), { owners: [{ id: 'a', alive_until: 1 }] });
  }),

  promise('batches at the same time stand or fall each by itself', async ({ database }) => {
    const batches = [
      { a: owner('a', 1) },
      { b: owner('b', 1), nowhere: NOWHERE },
      { c: owner('c', 1), a: owner('a', 2) },
      { d: owner('d', 1), owners: OWNERS },
    ];
    const outcomes = await Promise.all(batches.map((batch) => outcomeOf(database.batch(batch))));
    assertSame(outcomes, ['done', 'another error', 'Conflict', 'done']);
    const { owners } = await database.batch({ owners: OWNERS });
    assertSame(owners, [
      { id: 'a', alive_until: 1 },
      { id: 'd', alive_until: 1 },
    ]);
  }),

  promise('who reads sees a batch of others whole or not at all', async ({ database, another = database }) => {
    const pairs = Array.from({ length: 20 }, (_, n) => ({ a: owner(`a-${n}`, n), b: owner(`b-${n}`, n) }));
    const writing = Promise.all(pairs.map((pair) => database.batch(pair)));
    for (let reads = 0; reads < 10; reads++) {
      const { first, second } = await another.batch({ first: COUNT, second: COUNT });
      assertSame(second, first);
      assertSame(Number(first[0]?.n) % 2, 0);
    }
    await writing;
    assertSame(await another.batch({ counted: COUNT }), { counted: [{ n: 40 }] });
  }),

  promise(
    'of many writers of one key one wins, and each hears whether it did',
    async ({ database, another = database }) => {
      const writers = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? database : another));
      const outcomes = await Promise.all(
        writers.map((from, n) => outcomeOf(from.batch({ key: owner('key', n), by: owner(`by-${n}`, n) }))),
      );
      const winner = outcomes.indexOf('done');
      assertSame(
        outcomes,
        outcomes.map((_, n) => (n === winner ? 'done' : 'Conflict')),
      );
      const { owners } = await another.batch({ owners: OWNERS });
      assertSame(
        owners.map(({ id }) => id),
        [`by-${winner}`, 'key'],
      );
    },
  ),

  promise('a condition in a statement decides, and RETURNING tells', async ({ database }) => {
    await database.batch({ lock: owner('lock', 0) });
    const update = (n: number) =>
      write(sql`UPDATE owners SET alive_until = ${n} WHERE id = 'lock' AND alive_until = 0 RETURNING alive_until`);
    const outcomes = await Promise.all([1, 2, 3].map((n) => database.batch({ updated: update(n) })));
    assertSame(outcomes.flatMap(({ updated }) => updated).length, 1);
  }),

  promise('what there is no room for is a StorageFull, and all else goes on', async (subject) => {
    const { database } = subject;
    if (!subject.fill) return;
    await database.batch({ a: owner('a', 1) });
    await subject.fill();
    const large = write(sql`INSERT INTO secrets (id, key) VALUES ('large', ${'x'.repeat(1_000_000)})`);
    assertSame(await outcomeOf(database.batch({ b: owner('b', 1), large })), 'StorageFull');
    assertSame(await database.batch({ owners: OWNERS }), { owners: [{ id: 'a', alive_until: 1 }] });
    assertSame(await outcomeOf(database.batch({ again: owner('a', 2) })), 'Conflict');
    await database.batch({ gone: write(sql`DELETE FROM owners WHERE id = ${'a'}`) });
    assertSame(await database.batch({ owners: OWNERS }), { owners: [] });
  }),

  promise('who reads waits for nobody who writes', async (subject) => {
    const { database } = subject;
    if (!subject.lock) return;
    const release = await subject.lock();
    const writing = outcomeOf(database.batch({ a: owner('a', 1) }));
    const reads = Array.from({ length: 10 }, () => outcomeOf(database.batch({ owners: OWNERS, counted: COUNT })));
    const outcomes = await Promise.all(reads).finally(release);
    assertSame(new Set(outcomes).size === 1 && outcomes[0], 'done', 'reads beside one who writes');
    assertSame(await writing, 'done', 'a write after another');
  }),

  promise(
    'what was asked before it closes comes to an end, and all after it rejects',
    async ({ database, another }) => {
      await database.batch({ a: owner('a', 1) });
      const asked = [database.batch({ b: owner('b', 1) }), database.batch({ owners: OWNERS })].map(outcomeOf);
      const closing = database.close();
      const late = [{ c: owner('c', 1) }, { owners: OWNERS }].map((batch) => reasonOf(database.batch(batch)));
      await closing;
      late.push(...[{ d: owner('d', 1) }, { owners: OWNERS }].map((batch) => reasonOf(database.batch(batch))));
      assertSame(await Promise.all(asked), ['done', 'done'], 'what was asked before');
      for (const reason of await Promise.all(late)) {
        const isPlain = reason instanceof Error && !(reason instanceof Conflict) && !(reason instanceof StorageFull);
        check(
          isPlain && /clos/i.test(reason.message),
          `once it closes a batch has to reject as closed, and came to: ${reason}`,
        );
      }
      await database.close();
      const kept = (await another?.batch({ owners: OWNERS }))?.owners.map(({ id }) => id) ?? ['a', 'b'];
      assertSame(kept, ['a', 'b'], 'what is kept');
    },
  ),

  contractCase('of six claimants at the same time one gets what there is to have once', ({ database, another }) =>
    race(database, another),
  ),

  promise('rows page both ways without loss', async ({ database }) => {
    const all = Array.from({ length: 25 }, (_, n) => n);
    await database.batch({ owners: all.map((n) => owner(`o-${n}`, n)) });
    for (const [direction, comparison, first, expected] of [
      [raw('ASC'), raw('>'), -1, all],
      [raw('DESC'), raw('<'), 25, all.toReversed()],
    ] as const) {
      const values: number[] = [];
      for (let pages = 0; pages < 4; pages++) {
        const { rows } = await database.batch({
          rows: read(sql`SELECT alive_until FROM owners WHERE alive_until ${comparison} ${values.at(-1) ?? first}
            ORDER BY alive_until ${direction} LIMIT ${10}`),
        });
        values.push(...rows.map((row) => Number(row.alive_until)));
      }
      assertSame(values, expected);
    }
  }),

  promise('texts of any length and any characters come back as they were', async ({ database }) => {
    const odd = '\u0000 \ud800 \udfff 🙂 é \u2028 "\\';
    for (const length of [0, 1, 169_999, 170_000, 170_001, 600_000, 2_500_000]) {
      const at: TextKey = { tenant: 't', owner: `h-${length}`, kind: 'output', position: 0 };
      const { tenant, owner, kind, position } = at;
      const text = JSON.stringify(`${odd}${'🙂'.repeat(length / 2)}${odd}`);
      const { head, rest } = splitText(at, text);
      await database.batch({
        item: write(sql`INSERT INTO items (tenant, holder, side, place, id, body)
          VALUES (${tenant}, ${owner}, ${kind}, ${position}, 'i', ${head})`),
        rest,
      });
      const { rows } = await database.batch({ rows: selectItems(tenant, owner, kind) });
      assertSame(joinText(rows)[0]?.text === text, true, `a text of ${length} characters`);
      for (const { more } of rows) assertSame(new TextEncoder().encode(String(more ?? '')).length <= 512 * 1024, true);
    }
  }),

  promise('what has expired goes in slices, and what it is kept with', async ({ database }) => {
    const text = 'x'.repeat(400_000);
    for (let n = 0; n < 90; n++) {
      // A chain of 45, and others by themselves; all of them from one conversation.
      const id = `resp_${n}`;
      const parent = n > 0 && n < 45 ? `resp_${n - 1}` : null;
      const content = [{ type: 'input_text' as const, text: n === 50 ? text : 'Hi' }];
      const item = { type: 'message', role: 'user', status: 'completed', id: `msg_${n}`, content } as const;
      await database.batch({
        response: write(sql`INSERT INTO responses
            (tenant, id, parent, conversation, owner, status, background, log_until, compacted, expires_at, body)
          VALUES ('t', ${id}, ${parent}, 'conv', '', 'completed', 1, 1, 0, ${n}, '{}')`),
        items: insertItems({ tenant: 't', owner: id, kind: 'input', position: 0, items: [item] }),
        log: insertBlock('t', id, 0, [n === 60 ? text : '{}'], 0),
      });
    }
    await database.batch({
      conversation: write(sql`INSERT INTO conversations (tenant, id, created_at, metadata, deleted_at)
        VALUES ('t', 'conv', 0, '{}', 1)`),
    });
    const tables = ['responses', 'items', 'chunks', 'events', 'conversations'];
    const remaining = async () => {
      const counts = tables.map((table) => read(sql`SELECT count(*) AS n FROM ${raw(table)}`));
      return (await database.batch({ counts })).counts.map(({ n }) => Number(n));
    };
    // A sweep has its time, and a slow database may want several.
    for (let sweeps = 0; sweeps < 5 && (await remaining()).some((n) => n > 0); sweeps++)
      await sweep(database, new ProcessLease(1_000), Date.now());
    assertSame(
      await remaining(),
      tables.map(() => 0),
    );
  }),

  ...Array.from({ length: migrations.length + 1 }, (_, version) =>
    contractCase<DatabaseSubject>(
      `schema ${version} is brought to the newest, by many at once, and a newer one is refused`,
      async ({ database, another = database }) => {
        const tables = await outcomeOf(database.batch({ migrations: read(sql`SELECT version FROM migrations`) }));
        check(tables !== 'done', 'open gave a database that is migrated already: it has to be empty');
        await migrate(database, version);
        await Promise.all([database, another, database, another, database, another].map((each) => migrate(each)));
        const { found } = await database.batch({ found: read(sql`SELECT max(version) AS version FROM migrations`) });
        assertSame(found, [{ version: migrations.length }]);
        await database.batch({ newer: write(sql`INSERT INTO migrations (version) VALUES (${migrations.length + 1})`) });
        assertSame(await outcomeOf(migrate(database)), 'another error');
      },
    ),
  ),
];

/** A case on a database of the newest schema. */
function promise(name: string, test: (subject: DatabaseSubject) => Promise<void>): ContractCase<DatabaseSubject> {
  return contractCase(name, async (subject) => {
    await migrate(subject.database);
    await test(subject);
  });
}

function owner(id: string, until: number): Statement {
  return write(sql`INSERT INTO owners (id, alive_until) VALUES (${id}, ${until})`);
}

const OWNERS = read(sql`SELECT id, alive_until FROM owners ORDER BY id`);
const COUNT = read(sql`SELECT count(*) AS n FROM owners`);
const NOWHERE = read(sql`SELECT 1 FROM nowhere`);

async function outcomeOf(work: Promise<unknown>): Promise<'done' | 'Conflict' | 'StorageFull' | 'another error'> {
  const reason = await reasonOf(work);
  if (reason === undefined) return 'done';
  if (reason instanceof StorageFull) return 'StorageFull';
  return reason instanceof Conflict ? 'Conflict' : 'another error';
}

/** Why work rejects; undefined where it does not. */
function reasonOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (reason: unknown) => reason ?? new Error('no reason'),
  );
}

/** Throws unless two values are the same as JSON: some drivers give their rows no prototype. */
function assertSame(actual: unknown, expected: unknown, what = 'what came back'): void {
  const [received, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  check(received === wanted, `${what}: ${received?.slice(0, 1_000)}, and not ${wanted?.slice(0, 1_000)}`);
}
