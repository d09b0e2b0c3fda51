import assert from 'node:assert/strict';
import { test } from 'node:test';
import { d1Database } from '../handler/state/database/d1.ts';
import { Conflict, StorageFull, Unavailable, UnknownOutcome } from '../handler/state/database/database.ts';
import { raw, read, write } from '../handler/state/database/sql.ts';

/** D1's own messages (developers.cloudflare.com/d1/observability/debug-d1), what each says of a write, and how often one is sent. */
const messages: [message: string, ofWrite: new (message: string) => Error, times: number][] = [
  ['D1 DB reset because its code was updated.', UnknownOutcome, 1],
  ['Internal error while starting up D1 DB storage caused object to be reset.', Unavailable, 3],
  ['Network connection lost.', UnknownOutcome, 1],
  ['Internal error in D1 DB storage caused object to be reset.', UnknownOutcome, 1],
  ['Cannot resolve D1 DB due to transient issue on remote node.', Unavailable, 3],
  ["Can't read from request stream because client disconnected.", UnknownOutcome, 1],
  ['D1 DB storage operation exceeded timeout which caused object to be reset.', UnknownOutcome, 1],
  ['D1 DB is overloaded. Requests queued for too long.', Unavailable, 1],
  ['D1 DB is overloaded. Too many requests queued.', Unavailable, 1],
  ["D1 DB's isolate exceeded its memory limit and was reset.", UnknownOutcome, 1],
  ['D1 DB exceeded its CPU time limit and was reset.', UnknownOutcome, 1],
  ['UNIQUE constraint failed: owners.id: SQLITE_CONSTRAINT', Conflict, 1],
  ['Exceeded maximum DB size', StorageFull, 1],
  ['near "SELEC": syntax error at offset 0: SQLITE_ERROR', Error, 1],
];

/** D1 that fails so many times with a message. */
function failing(message: string, failures: number) {
  const counts = { batches: 0 };
  const statement = { bind: () => statement };
  const database = d1Database({
    prepare: () => statement,
    async batch() {
      if (++counts.batches <= failures) throw new Error(`D1_ERROR: ${message}`);
      return [{ results: [{ n: 1 }] }];
    },
  });
  return { database, counts };
}

test('an error of D1 says whether a write was done: what was not is tried again, what may have been is left to who asked', async () => {
  for (const [message, kind, times] of messages) {
    const { database, counts } = failing(message, 3);
    const error = await database.batch({ made: write(raw('INSERT')) }).then(
      () => assert.fail(message),
      (error: Error) => error,
    );
    assert.equal(error.constructor, kind, message);
    assert.ok(error.message.includes(message) || error.cause, message);
    assert.equal(counts.batches, times, message);
  }
});

test('what a read of D1 lost is read again, and is no more than away', async () => {
  for (const [message, kind] of messages) {
    if (kind !== UnknownOutcome) continue;
    const { database, counts } = failing(message, 2);
    assert.deepEqual(await database.batch({ found: read(raw('SELECT')) }), { found: [{ n: 1 }] });
    assert.equal(counts.batches, 3);
    await assert.rejects(failing(message, 3).database.batch({ found: read(raw('SELECT')) }), Unavailable);
  }
});
