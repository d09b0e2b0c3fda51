import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Reply, readReply } from '../../handler/backend/server/reply-stream.ts';
import { readJson } from '../../handler/backend/server/server.ts';
import { fixedLimits } from '../../handler/limits.ts';
import { countMembers, parseJson } from '../../handler/parse-json.ts';

/** Counted the slow way: each list and object, and each member but its first. */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const members: unknown[] = Object.values(value);
  return members.reduce<number>((sum, member) => sum + membersOf(member), Math.max(1, members.length));
}

const text = fc.array(fc.constantFrom('\\', '"', ',', '[', '{', ']', '}', 'a', 'é', '漢', '\n', 'long '.repeat(9)), {
  maxLength: 40,
});
const strings = text.map((parts) => parts.join(''));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.oneof(strings, fc.integer(), fc.constantFrom(null, true)),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(strings, tie('value'), { maxKeys: 6 }),
  ),
}));

test('members are counted as they are, whatever texts hold', () => {
  fc.assert(
    fc.property(value, fc.constantFrom('', ' ', '\n\t'), (given, space) => {
      assert.equal(countMembers(JSON.stringify(given, null, space), 1_000_000), membersOf(given));
    }),
    { numRuns: 2_000 },
  );
});

test('the bounds are met to the member and to the level', () => {
  const { jsonMembers, jsonDepth, scannedJson } = fixedLimits;
  const numbers = (count: number) => `[${'1,'.repeat(count - 1)}1]`;
  const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}${'}]'.repeat(depth / 2)}`.padEnd(scannedJson + 1);
  parseJson(numbers(jsonMembers));
  assert.throws(() => parseJson(numbers(jsonMembers + 1)), /250000 members/);
  assert.throws(() => parseJson(nested(jsonDepth)), SyntaxError);
  assert.throws(() => parseJson(nested(jsonDepth + 2)), /128 levels/);
});

test('what is cut or garbled is the parser’s to refuse', () => {
  for (const end of ['"', '"\\', '"\\"', '\\', ']]', '}}}}', '"'.repeat(101), `"${'\\'.repeat(101)}`]) {
    assert.throws(() => parseJson(`[${' '.repeat(fixedLimits.scannedJson)}${end}`), SyntaxError, end);
  }
});

test('an event of a model’s server has two million members at most, and so has a reply that is read whole', async () => {
  const reply: Reply = {
    add: () => {},
    finished: true,
    settled: false,
    over: false,
    finish: () => ({ type: 'finish', reason: 'stop', usage: null }),
    take: () => [],
  };
  const chunks = (text: string) => ReadableStream.from([new TextEncoder().encode(text)]);
  const json = (count: number) => `{"a":[${'[],'.repeat(count / 2)}1]}`;
  const read = async (count: number) => {
    for await (const _ of readReply(
      async () => ({ header: () => null, body: chunks(`data: ${json(count)}\n\n`) }),
      reply,
    ));
    await readJson({ status: 200, header: () => null, body: chunks(json(count)) });
  };
  await read(1_999_990);
  await assert.rejects(read(2_000_000), (error: Error) => /2000000 members/.test(String(error.cause)));
  await assert.rejects(readJson({ status: 200, header: () => null, body: chunks(json(2_000_000)) }), /2000000 members/);
});

/** The least time of a few, in milliseconds: what else runs here only adds to it. */
function timeOf(work: () => unknown): number {
  return Math.min(
    ...Array.from({ length: 7 }, () => {
      const from = performance.now();
      work();
      return performance.now() - from;
    }),
  );
}

test('the scan takes as long as the text is', () => {
  const shapes = { quotes: '\\"', backslashes: '\\\\', commas: ',', words: 'word ', 'short texts': '","' };
  for (const [name, part] of Object.entries(shapes)) {
    const scan = (times: number) => {
      const json = `["${part.repeat(times * 50_000)}"]`;
      return timeOf(() => countMembers(json, Number.POSITIVE_INFINITY));
    };
    const [one, eight] = [scan(1), scan(8)];
    assert.ok(eight < 8 * 4 * (one + 0.1), `${name}: ${one} ms, and eight times as much ${eight} ms`);
  }
});
