import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conflict, type Database, type Statement } from '../../handler/state/database/database.ts';
import { migrate, migrations } from '../../handler/state/database/schema.ts';
import { raw, read, sql, write } from '../../handler/state/database/sql.ts';
import { insertItems, selectItems } from '../../handler/state/items.ts';
import { insertBlock } from '../../handler/state/log.ts';
import { Owner } from '../../handler/state/owner.ts';
import { sweep } from '../../handler/state/sweep.ts';
import { joinText, type Place, splitText } from '../../handler/state/text.ts';

/** A new, empty database, and a second connection to it where the kind has such a thing. */
export interface Opened {
  database: Database;
  another?: Database;
  close(): Promise<void>;
}

const owner = (id: string, until: number): Statement =>
  write(sql`INSERT INTO owners (id, alive_until) VALUES (${id}, ${until})`);
const owners = read(sql`SELECT id, alive_until FROM owners ORDER BY id`);
const nowhere = read(sql`SELECT 1 FROM nowhere`);

/** Rows as plain objects: some drivers give theirs no prototype. */
const plain = (rows: unknown): unknown => JSON.parse(JSON.stringify(rows));

/** What every Database must keep, on `open`'s kind. */
export function databaseContract(name: string, open: () => Promise<Opened>): void {
  function keeps(what: string, run: (database: Database, opened: Opened) => Promise<void>): void {
    test(`${name}: ${what}`, async () => {
      const opened = await open();
      try {
        await migrate(opened.database);
        await run(opened.database, opened);
      } finally {
        await opened.close();
      }
    });
  }

  keeps('a batch gives the rows of each statement, as plain values', async (database) => {
    const big = 2 ** 53 - 1;
    const rows = await database.batch({
      none: owner('a', big),
      owners,
      gone: write(sql`DELETE FROM owners WHERE id = ${'a'} RETURNING alive_until AS was`),
    });
    assert.deepEqual(plain(rows), { none: [], owners: [{ id: 'a', alive_until: big }], gone: [{ was: big }] });
    const { nothing } = await database.batch({ nothing: read(sql`SELECT ${null} AS none_at_all`) });
    assert.equal(nothing[0]?.none_at_all, null);
  });

  keeps('the rows of a list come one after another, and an empty one has none', async (database) => {
    const rows = await database.batch({
      written: ['a', 'b', 'c'].map((id) => owner(id, 1)),
      nothing: [],
      each: ['c', 'd', 'a'].map((id) => read(sql`SELECT id FROM owners WHERE id = ${id}`)),
      owners: read(sql`SELECT count(*) AS n FROM owners`),
    });
    assert.deepEqual(plain(rows), { written: [], nothing: [], each: [{ id: 'c' }, { id: 'a' }], owners: [{ n: 3 }] });
  });

  keeps('a batch is all or nothing, and a refused one is a Conflict', async (database) => {
    await database.batch({ a: owner('a', 1) });
    await assert.rejects(database.batch({ b: owner('b', 1), a: owner('a', 2) }), Conflict);
    await assert.rejects(database.batch({ a: owner('a', 3) }), Conflict);
    const fence = write(sql`UPDATE owners SET alive_until = CASE WHEN alive_until = 2 THEN 3 END WHERE id = 'a'`);
    await assert.rejects(database.batch({ d: owner('d', 1), fence }), Conflict);
    await assert.rejects(database.batch({ fence }), Conflict);
    await assert.rejects(database.batch({ c: owner('c', 1), nowhere }), (error) => !(error instanceof Conflict));
    assert.deepEqual(plain(await database.batch({ owners })), { owners: [{ id: 'a', alive_until: 1 }] });
  });

  keeps('batches at the same time stand or fall each by itself', async (database) => {
    const outcomes = await Promise.allSettled([
      database.batch({ a: owner('a', 1) }),
      database.batch({ b: owner('b', 1), nowhere }),
      database.batch({ c: owner('c', 1), a: owner('a', 2) }),
      database.batch({ d: owner('d', 1), owners }),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    assert.ok(outcomes[2]?.status === 'rejected' && outcomes[2].reason instanceof Conflict);
    const rows = await database.batch({ owners });
    assert.deepEqual(plain(rows.owners), [
      { id: 'a', alive_until: 1 },
      { id: 'd', alive_until: 1 },
    ]);
  });

  keeps('of many writers of one key one wins, and each hears whether it did', async (database, { another }) => {
    const from = [database, another ?? database];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) =>
        (from[n % 2] ?? database).batch({ key: owner('key', n), by: owner(`by-${n}`, n) }),
      ),
    );
    const winners = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof Conflict, String(outcome.reason));
    }
    assert.equal(winners.length, 1);
    const rows = await (another ?? database).batch({ owners });
    assert.deepEqual(
      rows.owners.map(({ id }) => id),
      [`by-${winners[0]}`, 'key'],
    );
  });

  keeps('a condition in a statement decides, and RETURNING tells', async (database) => {
    await database.batch({ lock: owner('lock', 0) });
    const take = (n: number) =>
      write(sql`UPDATE owners SET alive_until = ${n} WHERE id = 'lock' AND alive_until = 0 RETURNING alive_until`);
    const outcomes = await Promise.all([1, 2, 3].map((n) => database.batch({ taken: take(n) })));
    assert.equal(outcomes.flatMap(({ taken }) => taken).length, 1);
  });

  keeps('rows page both ways without loss', async (database) => {
    await database.batch({ owners: Array.from({ length: 25 }, (_, n) => owner(`o-${n}`, n)) });
    for (const [way, first] of [
      ['ASC', -1],
      ['DESC', 25],
    ] as const) {
      const seen: number[] = [];
      for (let after: number = first; ; ) {
        const beyond = raw(way === 'ASC' ? '>' : '<');
        const { rows } = await database.batch({
          rows: read(sql`SELECT alive_until FROM owners WHERE alive_until ${beyond} ${after}
            ORDER BY alive_until ${raw(way)} LIMIT ${10}`),
        });
        if (rows.length === 0) break;
        seen.push(...rows.map((row) => Number(row.alive_until)));
        after = seen.at(-1) ?? after;
      }
      const all = Array.from({ length: 25 }, (_, n) => n);
      assert.deepEqual(seen, way === 'ASC' ? all : all.reverse());
    }
  });

  keeps('texts of any length and any characters come back as they were', async (database) => {
    const odd = '\u0000 \ud800 \udfff 🙂 é \u2028 "\\';
    for (const length of [0, 1, 169_999, 170_000, 170_001, 600_000, 2_500_000]) {
      const at: Place = { tenant: 't', owner: `h-${length}`, kind: 'output', position: 0 };
      const text = JSON.stringify(`${odd}${'🙂'.repeat(length / 2)}${odd}`);
      const { head, rest } = splitText(at, text);
      const { tenant, owner, kind, position } = at;
      await database.batch({
        item: write(sql`INSERT INTO items (tenant, holder, side, place, id, body)
          VALUES (${tenant}, ${owner}, ${kind}, ${position}, 'i', ${head})`),
        rest,
      });
      const { rows } = await database.batch({ rows: selectItems(tenant, owner, kind) });
      const [kept] = joinText(rows);
      assert.ok(kept?.text === text, `${length} characters`);
      for (const row of rows) assert.ok(Buffer.byteLength(String(row.more ?? '')) <= 512 * 1024);
    }
  });

  keeps('what has expired goes in slices, and what it is kept with', async (database) => {
    const at = { tenant: 't', kind: 'input', position: 0 } as const;
    const text = 'x'.repeat(400_000);
    for (let n = 0; n < 90; n++) {
      // A chain of 45, and others by themselves; all of them from one conversation.
      const parent = n > 0 && n < 45 ? `resp_${n - 1}` : null;
      const item = { type: 'message' as const, role: 'user' as const, status: 'completed' as const, id: `msg_${n}` };
      const content = [{ type: 'input_text' as const, text: n === 50 ? text : 'Hi' }];
      await database.batch({
        response: write(sql`INSERT INTO responses
            (tenant, id, parent, conversation, owner, status, background, log_until, compacted, expires_at, body)
          VALUES ('t', ${`resp_${n}`}, ${parent}, 'conv', '', 'completed', 1, 1, 0, ${n}, '{}')`),
        items: insertItems({ ...at, owner: `resp_${n}` }, [{ ...item, content }]),
        log: insertBlock('t', `resp_${n}`, 0, [n === 60 ? text : '{}'], 0),
      });
    }
    await database.batch({
      conversation: write(sql`INSERT INTO conversations (tenant, id, created_at, metadata, deleted_at)
        VALUES ('t', 'conv', 0, '{}', 1)`),
    });
    const left = async () => {
      const tables = ['responses', 'items', 'chunks', 'events', 'conversations'];
      const counts = tables.map((table) => read(sql`SELECT count(*) AS n FROM ${raw(table)}`));
      return (await database.batch({ counts })).counts.map(({ n }) => Number(n));
    };
    // A sweep has its time, and a slow database may want several.
    for (let sweeps = 0; sweeps < 5 && (await left()).some((n) => n > 0); sweeps++)
      await sweep(database, new Owner(1_000), Date.now());
    assert.deepEqual(await left(), [0, 0, 0, 0, 0]);
  });

  test(`${name}: every earlier schema is brought to the newest, by many at once, and a newer one is refused`, async () => {
    for (let version = 0; version <= migrations.length; version++) {
      const { database, close } = await open();
      try {
        await migrate(database, version);
        await Promise.all([migrate(database), migrate(database), migrate(database)]);
        const { found } = await database.batch({ found: read(sql`SELECT max(version) AS version FROM migrations`) });
        assert.equal(found[0]?.version, migrations.length);
        await database.batch({ newer: write(sql`INSERT INTO migrations (version) VALUES (${migrations.length + 1})`) });
        await assert.rejects(migrate(database), /schema version \d+, and this program knows \d+/);
      } finally {
        await close();
      }
    }
  });
}
