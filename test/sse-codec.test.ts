import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import type { ResponseEvent } from '../handler/events/events.ts';
import { eventData, eventStream, eventText } from '../handler/events/sse.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function* chunks(parts: readonly Uint8Array[]) {
  yield* parts;
}

async function read(parts: readonly Uint8Array[]): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of eventData(chunks(parts))) {
    assert.ok(batch.length > 0, 'no empty batches');
    found.push(...batch);
  }
  return found;
}

describe('what a backend streams is read', () => {
  const streams: Record<string, [text: string, data: string[]]> = {
    'events with LF': ['data: a\n\ndata: b\n\n', ['a', 'b']],
    'events with CRLF': ['data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    'without the space': ['data:a\n\ndata:  b\n\n', ['a', ' b']],
    'a byte order mark': ['\ufeffdata: a\n\n', ['a']],
    'comments and other fields': [': hi\n\nevent: x\nid: 1\nretry: 5\ndata: a\n:\ndatum: z\n\n', ['a']],
    'several lines of data': ['data: a\ndata:\ndata: b\r\n\r\n', ['a\n\nb']],
    'an empty event': ['data:\n\ndata: \n\n', ['', '']],
    'blank lines': ['\n\n\r\n\n\ndata: a\n\n\n\n', ['a']],
    'a last event without its blank line': ['data: a\n\ndata: b\n', ['a', 'b']],
    'a last line without its end': ['data: a\n\ndata: b', ['a', 'b']],
    'characters of many bytes': ['data: 👩‍👩‍👧 é \u2028 \u0085\n\n', ['👩‍👩‍👧 é \u2028 \u0085']],
    nothing: ['', []],
    'only comments': [': a\n\n: b\n\n', []],
    'data that looks like framing': ['data: data: a\n\n', ['data: a']],
  };
  for (const [name, [text, data]] of Object.entries(streams)) {
    test(name, async () => {
      const bytes = encoder.encode(text);
      assert.deepEqual(await read([bytes]), data);
      assert.deepEqual(await read(Array.from(bytes, (byte) => Uint8Array.of(byte))), data, 'byte by byte');
      for (let at = 0; at <= bytes.length; at++) {
        assert.deepEqual(await read([bytes.subarray(0, at), bytes.subarray(at)]), data, `cut at ${at}`);
      }
    });
  }

  test('one chunk gives one batch', async () => {
    const batches: string[][] = [];
    const parts = ['data: a\n\ndata: b\n\nda', 'ta: c', '\n\n'].map((part) => encoder.encode(part));
    for await (const batch of eventData(chunks(parts))) batches.push(batch);
    assert.deepEqual(batches, [['a', 'b'], ['c']]);
  });

  test('an event without an end is a fault, not a memory', async () => {
    const block = new Uint8Array(4 * 1024 * 1024).fill(97);
    let taken = 0;
    async function* endless() {
      yield encoder.encode('data: ');
      for (;;) {
        taken++;
        yield block;
      }
    }
    await assert.rejects(async () => {
      for await (const _ of eventData(endless()));
    }, /max buffer size/);
    assert.ok(taken <= 5);
  });

  test('many lines of one event count together', async () => {
    const line = encoder.encode(`data: ${'a'.repeat(1024 * 1024)}\n`);
    await assert.rejects(read(Array.from({ length: 20 }, () => line)), /max buffer size/);
  });

  test('a reader that leaves ends the source', async () => {
    let closed = false;
    async function* source() {
      try {
        for (;;) yield encoder.encode('data: a\n\n');
      } finally {
        closed = true;
      }
    }
    for await (const _ of eventData(source())) break;
    assert.ok(closed);
  });
});

/** Any event will do. */
function numbered(sequence_number: number): ResponseEvent {
  return { type: 'response.audio.done', sequence_number };
}

function means() {
  const seen = { aborted: 0, spent: 0, ended: [] as unknown[] };
  return {
    seen,
    signal: new AbortController().signal,
    abort: () => void seen.aborted++,
    countBytes: (bytes: number) => {
      seen.spent += bytes;
    },
    ended: (result: unknown) => void seen.ended.push(result),
    keepAlive: 60_000,
  };
}

describe('what we stream', () => {
  test('an event is one line of name and one of data', () => {
    const text = eventText({ type: 'response.audio.delta', sequence_number: 3, delta: 'a\n\nb' });
    assert.equal(
      text,
      `event: response.audio.delta\ndata: {"type":"response.audio.delta","sequence_number":3,"delta":"a\\n\\nb"}\n\n`,
    );
  });

  test('each chunk is one whole event, and [DONE] ends it', async () => {
    async function* events() {
      yield numbered(0);
      yield numbered(1);
      return 'result';
    }
    const handed = means();
    const parts: Uint8Array[] = [];
    for await (const part of eventStream(events(), handed)) parts.push(part);
    assert.deepEqual(
      parts.map((part) => decoder.decode(part)).slice(0, 2),
      [0, 1].map((number) => eventText(numbered(number))),
    );
    assert.equal(decoder.decode(parts[2]), 'data: [DONE]\n\n');
    assert.equal(parts.length, 3);
    assert.equal(getEventListeners(handed.signal, 'abort').length, 0, 'nothing keeps the stream');
    assert.deepEqual(handed.seen, {
      aborted: 0,
      spent: parts.slice(0, 2).reduce((sum, part) => sum + part.length, 0),
      ended: ['result'],
    });
  });

  test('a reader may transfer the bytes of each chunk, and no other stream loses any', async () => {
    async function* events() {
      for (let number = 0; number < 3; number++) yield numbered(number);
    }
    const whole = [...[0, 1, 2].map((number) => eventText(numbered(number))), 'data: [DONE]\n\n'];
    const other = eventStream(events(), means()).getReader();
    const unread: (Uint8Array | undefined)[] = [];
    for (const signal of [means().signal, AbortSignal.abort()]) {
      unread.push((await other.read()).value);
      const transferred: string[] = [];
      for await (const chunk of eventStream(events(), { ...means(), signal })) {
        transferred.push(decoder.decode(structuredClone(chunk, { transfer: [chunk.buffer as ArrayBuffer] })));
      }
      assert.deepEqual(transferred, whole);
    }
    for (let next = await other.read(); !next.done; next = await other.read()) unread.push(next.value);
    assert.deepEqual(
      unread.map((chunk) => decoder.decode(chunk)),
      whole,
    );
  });

  test('nothing is made before it is asked for', async () => {
    let made = 0;
    async function* events() {
      while (made < 9) yield numbered(made++);
    }
    const reader = eventStream(events(), means()).getReader();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(made, 0);
    await reader.read();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(made, 1);
    await reader.cancel();
  });

  test('a silence is filled with comments, and only a silence', async () => {
    const go = Promise.withResolvers<void>();
    async function* events() {
      yield numbered(0);
      await go.promise;
      yield numbered(1);
    }
    const reader = eventStream(events(), { ...means(), keepAlive: 5 }).getReader();
    const next = async () => decoder.decode((await reader.read()).value);
    assert.match(await next(), /^event/);
    assert.equal(await next(), ': keep-alive\n\n');
    assert.equal(await next(), ': keep-alive\n\n');
    go.resolve();
    let last = await next();
    while (last.startsWith(':')) last = await next();
    assert.match(last, /^event/);
    assert.equal(await next(), 'data: [DONE]\n\n');
  });

  test('when the reader leaves, the turn is aborted and run to its end', async () => {
    const left = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    async function* events() {
      yield numbered(0);
      await left.promise;
      yield numbered(1);
      return 'cancelled';
    }
    const handed = means();
    const stream = eventStream(events(), {
      ...handed,
      abort: left.resolve,
      ended: (result) => {
        handed.ended(result);
        over.resolve();
      },
    });
    const reader = stream.getReader();
    await reader.read();
    const pending = reader.read();
    await reader.cancel();
    await Promise.all([pending, over.promise]);
    assert.deepEqual(handed.seen.ended, ['cancelled']);
    assert.equal(getEventListeners(handed.signal, 'abort').length, 0, 'nothing keeps the stream');
  });

  test('a turn that is aborted runs to its end though nobody reads, and its last events wait for the reader', async () => {
    for (const readsFirst of [true, false]) {
      const turn = new AbortController();
      const over = Promise.withResolvers<void>();
      async function* events() {
        yield numbered(0);
        while (!turn.signal.aborted) yield numbered(1);
        yield numbered(2);
        over.resolve();
        return 'result';
      }
      const handed = means();
      const reader = eventStream(events(), { ...handed, signal: turn.signal }).getReader();
      if (readsFirst) await reader.read();
      turn.abort();
      await over.promise;
      const rest: string[] = [];
      for (let next = await reader.read(); !next.done; next = await reader.read())
        rest.push(decoder.decode(next.value));
      const kept = readsFirst ? [2] : [0, 2];
      assert.deepEqual(rest, [...kept.map((number) => eventText(numbered(number))), 'data: [DONE]\n\n']);
      assert.deepEqual(handed.seen.ended, ['result']);
    }
  });

  test('a turn that takes its time to end is not spoken into once the reader has left', async () => {
    const over = Promise.withResolvers<void>();
    async function* events() {
      yield numbered(0);
      await new Promise((resolve) => setTimeout(resolve, 40));
      return 'cancelled';
    }
    const handed = means();
    const stream = eventStream(events(), {
      ...handed,
      keepAlive: 1, // a comment into a stream that is closed would throw where nobody catches
      ended: (result) => {
        handed.ended(result);
        over.resolve();
      },
    });
    const reader = stream.getReader();
    await reader.read();
    const pending = reader.read();
    await new Promise((resolve) => setTimeout(resolve, 10));
    await reader.cancel();
    await Promise.all([pending, over.promise]);
    assert.deepEqual(handed.seen.ended, ['cancelled']);
  });

  test('events that throw end the stream as a failed one, whoever asked for them, and nothing is spoken into it', async () => {
    const failure = new Error('the database is locked');
    for (const leaves of [false, true]) {
      const fails = Promise.withResolvers<void>();
      async function* events() {
        yield numbered(0);
        await fails.promise;
        throw failure;
      }
      const handed = means();
      const reader = eventStream(events(), { ...handed, keepAlive: 1 }).getReader();
      await reader.read();
      if (leaves) {
        const gone = reader.cancel();
        fails.resolve();
        await gone;
      } else {
        fails.resolve();
        const rest = async () => {
          while (!(await reader.read()).done);
        };
        await assert.rejects(rest, failure);
      }
      assert.deepEqual(handed.seen.ended, [failure]);
      // A comment into a stream that has failed would throw where nobody catches.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
});
