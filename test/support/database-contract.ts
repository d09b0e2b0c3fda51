import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conflict, type Database, type Statement } from '../../handler/state/database/database.ts';
import { migrate, migrations } from '../../handler/state/database/schema.ts';
import { insertItems } from '../../handler/state/items.ts';
import { insertBlock } from '../../handler/state/log.ts';
import { Owner } from '../../handler/state/owner.ts';
import { sweep } from '../../handler/state/sweep.ts';
import { ITEM_CHUNKS, joinText, type Place, splitText } from '../../handler/state/text.ts';

/** A new, empty database, and a second connection to it where the kind has such a thing. */
export interface Opened {
  database: Database;
  another?: Database;
  close(): Promise<void>;
}

const owner = (id: string, until: number): Statement => ({
  sql: 'INSERT INTO owners (id, alive_until) VALUES (?, ?)',
  values: [id, until],
});
const owners: Statement = { sql: 'SELECT id, alive_until FROM owners ORDER BY id', values: [] };

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
    const [none, rows, gone] = await database.batch([
      owner('a', big),
      owners,
      { sql: 'DELETE FROM owners WHERE id = ? RETURNING alive_until AS was', values: ['a'] },
    ]);
    assert.deepEqual(plain([none, rows, gone]), [[], [{ id: 'a', alive_until: big }], [{ was: big }]]);
    const [[row] = []] = await database.batch([{ sql: 'SELECT ? AS none_at_all', values: [null] }]);
    assert.equal(row?.none_at_all, null);
  });

  keeps('a batch is all or nothing, and a refused one is a Conflict', async (database) => {
    await database.batch([owner('a', 1)]);
    await assert.rejects(database.batch([owner('b', 1), owner('a', 2)]), Conflict);
    await assert.rejects(database.batch([owner('a', 3)]), Conflict);
    const fence = 'UPDATE owners SET alive_until = CASE WHEN alive_until = ? THEN ? END WHERE id = ?';
    await assert.rejects(database.batch([owner('d', 1), { sql: fence, values: [2, 3, 'a'] }]), Conflict);
    await assert.rejects(database.batch([{ sql: fence, values: [2, 3, 'a'] }]), Conflict);
    await assert.rejects(
      database.batch([owner('c', 1), { sql: 'SELECT 1 FROM nowhere', values: [] }]),
      (error) => !(error instanceof Conflict),
    );
    assert.deepEqual(plain(await database.batch([owners])), [[{ id: 'a', alive_until: 1 }]]);
  });

  keeps('batches at the same time stand or fall each by itself', async (database) => {
    const outcomes = await Promise.allSettled([
      database.batch([owner('a', 1)]),
      database.batch([owner('b', 1), { sql: 'SELECT 1 FROM nowhere', values: [] }]),
      database.batch([owner('c', 1), owner('a', 2)]),
      database.batch([owner('d', 1), owners]),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
    );
    assert.ok(outcomes[2]?.status === 'rejected' && outcomes[2].reason instanceof Conflict);
    const [rows] = await database.batch([owners]);
    assert.deepEqual(plain(rows), [
      { id: 'a', alive_until: 1 },
      { id: 'd', alive_until: 1 },
    ]);
  });

  keeps('of many writers of one key one wins, and each hears whether it did', async (database, { another }) => {
    const from = [database, another ?? database];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => (from[n % 2] ?? database).batch([owner('key', n), owner(`by-${n}`, n)])),
    );
    const winners = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof Conflict, String(outcome.reason));
    }
    assert.equal(winners.length, 1);
    const [rows] = await (another ?? database).batch([owners]);
    assert.deepEqual(
      rows?.map(({ id }) => id),
      [`by-${winners[0]}`, 'key'],
    );
  });

  keeps('a condition in a statement decides, and RETURNING tells', async (database) => {
    await database.batch([owner('lock', 0)]);
    const take = (n: number): Statement => ({
      sql: 'UPDATE owners SET alive_until = ? WHERE id = ? AND alive_until = 0 RETURNING alive_until',
      values: [n, 'lock'],
    });
    const taken = await Promise.all([1, 2, 3].map((n) => database.batch([take(n)])));
    assert.equal(taken.flat(2).length, 1);
  });

  keeps('rows page both ways without loss', async (database) => {
    await database.batch(Array.from({ length: 25 }, (_, n) => owner(`o-${String(n).padStart(2, '0')}`, n)));
    for (const [way, first] of [
      ['ASC', -1],
      ['DESC', 25],
    ] as const) {
      const seen: number[] = [];
      for (let after: number = first; ; ) {
        const sql = `SELECT alive_until FROM owners WHERE alive_until ${way === 'ASC' ? '>' : '<'} ? ORDER BY alive_until ${way} LIMIT ?`;
        const [rows = []] = await database.batch([{ sql, values: [after, 10] }]);
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
      const at: Place = { tenant: 't', holder: `h-${length}`, side: 'output', place: 0 };
      const text = JSON.stringify(`${odd}${'🙂'.repeat(length / 2)}${odd}`);
      const { head, rest } = splitText(at, text);
      const values = [at.tenant, at.holder, at.side, at.place, 'i', head];
      const insert = 'INSERT INTO items (tenant, holder, side, place, id, body) VALUES (?, ?, ?, ?, ?, ?)';
      await database.batch([{ sql: insert, values }, ...rest]);
      const [rows = []] = await database.batch([
        {
          sql: `SELECT i.id, i.body, k.n, k.body AS more FROM items i ${ITEM_CHUNKS} WHERE i.tenant = ? AND i.holder = ? ORDER BY k.n`,
          values: [at.tenant, at.holder],
        },
      ]);
      const [read] = joinText(rows);
      assert.ok(read?.text === text, `${length} characters`);
      for (const row of rows) assert.ok(Buffer.byteLength(String(row.more ?? '')) <= 512 * 1024);
    }
  });

  keeps('what has expired goes in slices, and what it is kept with', async (database) => {
    const at = { tenant: 't', side: 'input', place: 0 } as const;
    const text = 'x'.repeat(400_000);
    for (let n = 0; n < 90; n++) {
      // A chain of 45, and others by themselves; all of them from one conversation.
      const parent = n > 0 && n < 45 ? `resp_${n - 1}` : null;
      const item = { type: 'message' as const, role: 'user' as const, status: 'completed' as const, id: `msg_${n}` };
      const content = [{ type: 'input_text' as const, text: n === 50 ? text : 'Hi' }];
      await database.batch([
        {
          sql: `INSERT INTO responses (tenant, id, parent, conversation, owner, status, background, log_until, compacted, expires_at, body)
            VALUES ('t', ?, ?, 'conv', '', 'completed', 1, 1, 0, ?, '{}')`,
          values: [`resp_${n}`, parent, n],
        },
        ...insertItems({ ...at, holder: `resp_${n}` }, [{ ...item, content }]),
        ...insertBlock('t', `resp_${n}`, 0, [n === 60 ? text : '{}'], 0),
      ]);
    }
    await database.batch([
      {
        sql: "INSERT INTO conversations (tenant, id, created_at, metadata, deleted_at) VALUES ('t', 'conv', 0, '{}', 1)",
        values: [],
      },
    ]);
    const left = async () => {
      const tables = ['responses', 'items', 'chunks', 'events', 'conversations'];
      const counts = tables.map((table) => ({ sql: `SELECT count(*) AS n FROM ${table}`, values: [] }));
      return (await database.batch(counts)).map(([row]) => Number(row?.n));
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
        const [rows] = await database.batch([{ sql: 'SELECT max(version) AS version FROM migrations', values: [] }]);
        assert.equal(rows?.[0]?.version, migrations.length);
        await database.batch([{ sql: 'INSERT INTO migrations (version) VALUES (?)', values: [migrations.length + 1] }]);
        await assert.rejects(migrate(database), /schema version \d+, and this program knows \d+/);
      } finally {
        await close();
      }
    }
  });
}
