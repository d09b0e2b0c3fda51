import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PostgresBatch } from '../handler/state/database/postgres-batch.ts';
import { raw, read } from '../handler/state/database/sql.ts';

/** A connection that writes down which statements it is sent, and which it is to forget. */
function connection() {
  const lines: string[] = [];
  const parsed: (() => void)[] = [];
  const none = () => {};
  return {
    lines,
    /** Says that the next statement that was sent is known. */
    parseComplete: () => parsed[0]?.(),
    parse: ({ name, text }: { name: string; text: string }) => void lines.push(`parse ${name} ${text}`),
    close: ({ name }: { name: string }) => void lines.push(`close ${name}`),
    on: (_: string, then: () => void) => parsed.push(then),
    ...{ bind: none, describe: none, execute: none, sync: none, stream: {} },
  };
}

/** The names under which statements are sent by a program that sends them in this order. */
async function namesOf(instance: string, texts: readonly string[]): Promise<Map<string, string>> {
  // Each query makes a module of its own, as in another process.
  const { PostgresBatch }: typeof import('../handler/state/database/postgres-batch.ts') = await import(
    `../handler/state/database/postgres-batch.ts?${instance}`
  );
  const sent = connection();
  const batch = new PostgresBatch(
    texts.map((text) => read(raw(text))),
    true,
  );
  batch.submit(sent);
  return new Map(
    sent.lines.map((line) => line.split(' ').slice(1, 3) as [string, string]).map(([name, text]) => [text, name]),
  );
}

test('statements have the same names in all processes, whatever each has sent before, and each one its own', async () => {
  const texts = Array.from({ length: 2_000 }, (_, n) => `SELECT_${n}`);
  const [one, other] = [await namesOf('one', texts), await namesOf('other', texts.toReversed())];
  assert.equal(new Set(one.values()).size, texts.length);
  for (const text of texts) assert.equal(one.get(text), other.get(text));
});

test('statements behind a mistake are forgotten before they are sent again: a pooler has them, and a server has not', async () => {
  const sent = connection();
  const [first, second] = [read(raw('FIRST')), read(raw('SECOND'))];
  const refused = new PostgresBatch([first, second], true);
  refused.submit(sent);
  sent.parseComplete();
  refused.handleError(new Error('no'));
  await assert.rejects(refused.rows);
  const verbs = () => sent.lines.splice(0).map((line) => line.replace(/ s\w+/, ''));
  assert.deepEqual(verbs(), ['parse FIRST', 'parse SECOND']);
  new PostgresBatch([first, second], true).submit(sent);
  assert.deepEqual(verbs(), ['close', 'parse SECOND']);
  sent.parseComplete();
  new PostgresBatch([first, second], true).submit(sent);
  assert.deepEqual(verbs(), []);
});
