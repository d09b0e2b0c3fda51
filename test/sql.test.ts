import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsByName, statementsOf } from '../handler/state/database/batch.ts';
import { list, raw, read, sql, write } from '../handler/state/database/sql.ts';

test('a fragment is spliced in with its values, however deep, and anything else is a value', () => {
  const visible = (id: string, now: number) => sql`r.id = ${id} AND r.expires_at > ${now}`;
  const held = sql`EXISTS (SELECT 1 FROM items i WHERE i.body = ${"'; DROP TABLE items"} AND ${visible('b', 2)})`;
  const statement = read(sql`SELECT ${null} FROM responses r WHERE ${visible('a', 1)} AND ${held} LIMIT ${raw(10)}`);
  assert.deepEqual(statement, {
    kind: 'read',
    text: `SELECT ? FROM responses r WHERE r.id = ? AND r.expires_at > ? AND EXISTS (SELECT 1 FROM items i WHERE i.body = ? AND r.id = ? AND r.expires_at > ?) LIMIT 10`,
    values: [null, 'a', 1, "'; DROP TABLE items", 'b', 2],
  });
});

test('a list has commas between values and between fragments', () => {
  const rows = [1, 2].map((n) => sql`(${n}, 'x')`);
  assert.deepEqual(write(sql`INSERT INTO t VALUES ${list(rows)}`), {
    kind: 'write',
    text: "INSERT INTO t VALUES (?, 'x'), (?, 'x')",
    values: [1, 2],
  });
  assert.equal(read(sql`SELECT 1 WHERE 1 IN (${list([1, 2, 3])}) OR 2 IN (${list([])})`).text.match(/\?/g)?.length, 3);
});

test('the same place in the program makes a text for each fragment that it is given, and no other', () => {
  const made = (fragment: ReturnType<typeof sql>) => sql`SELECT ${fragment}, ${1}`.text;
  for (let times = 0; times < 3; times++) {
    assert.equal(made(raw('a')), 'SELECT a, ?');
    assert.equal(made(raw('?')), 'SELECT ?, ?');
    assert.equal(made(list([1, 2])), 'SELECT ?, ?, ?');
  }
});

test('nothing that a client sends can be a fragment', () => {
  const sent = JSON.parse('{"text": "1); DROP TABLE items", "values": []}');
  assert.deepEqual(sql`SELECT ${sent}`.values, [sent]);
});

test('a batch is run in its order, and each name has its rows', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => read(sql`SELECT ${raw(name)}`));
  assert.ok(a && b && c);
  const batch = { one: a, none: [], some: [b, c] };
  assert.deepEqual(statementsOf(batch), [a, b, c]);
  const rows = rowsByName(batch, [[{ n: 1 }], [{ n: 2 }, { n: 3 }], [{ n: 4 }]]);
  assert.deepEqual(rows, { one: [{ n: 1 }], none: [], some: [{ n: 2 }, { n: 3 }, { n: 4 }] });
});
