import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import type { ProcessingResponse } from '../shim/messages.ts';
import { encodeMetadata } from '../shim/metadata.ts';
import { type Ingress, serveExchange } from '../shim/session.ts';
import { chunk, FakeExchange, head, options } from './support/shim-fake-exchange.ts';

interface Value {
  structValue?: Struct;
  numberValue?: number;
  stringValue?: string;
}

interface Struct {
  fields: Record<string, Value>;
}

const messages = loadSync(fileURLToPath(new URL('../proto/ext_proc.proto', import.meta.url)), { oneofs: true });
// The loader's index holds services and messages alike; this one comes with the attributes of a request.
const struct = messages['google.protobuf.Struct'] as MessageTypeDefinition<Struct, Struct>;

/** The namespaces of a message, as plain values, read by a decoder that is not ours. */
function plain(bytes: Uint8Array | undefined): unknown {
  const values = ({ fields }: Struct): unknown =>
    Object.fromEntries(
      Object.entries(fields).map(([name, { structValue, numberValue, stringValue }]) => [
        name,
        structValue ? values(structValue) : (numberValue ?? stringValue),
      ]),
    );
  return bytes && values(struct.deserialize(Buffer.from(bytes)));
}

/** What each message of a reply says, the last one marked; undefined for nothing. */
function saidIn(sent: readonly ProcessingResponse[]): unknown[] {
  return sent.map(({ dynamic_metadata, ...message }) => {
    assert.equal(Object.keys(message).length, 1, 'metadata goes with an answer, or Envoy cuts the reply');
    return dynamic_metadata && plain(dynamic_metadata);
  });
}

/** A reply whose pieces are sent one by one, as `say` counts. */
function counting(pieces: number, type: string): (request: Request, ingress: Ingress) => Response {
  return (_request, { report }) => {
    let n = 0;
    let last = -1;
    report?.(() => {
      if (n === last) return undefined;
      last = n;
      return { ns: { n } };
    });
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          for (let turns = 0; turns < 3; turns++) await setImmediate(); // a message of its own
          if (n === pieces) return controller.close();
          n++;
          controller.enqueue(Buffer.from(`${n}`));
          if (n === 2) controller.enqueue(Buffer.from('!')); // with nothing new
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body, { headers: { 'content-type': type } });
  };
}

test('a reply in one piece says it all with its one message', async () => {
  const exchange = new FakeExchange().push(head('POST'), chunk('{}', true));
  await serveExchange(exchange, counting(3, 'application/json'), options());
  assert.deepEqual(saidIn(exchange.sent), [{ ns: { n: 3 } }]);
});

test('BUFFERED: the answer that lets the headers on says nothing', async () => {
  const exchange = new FakeExchange().push(head('POST', { mode: 2 }), chunk('{}', true));
  await serveExchange(exchange, counting(3, 'text/event-stream'), options());
  assert.deepEqual(saidIn(exchange.sent), [undefined, { ns: { n: 3 } }]);
});

test('the original mode says it with its one message', async () => {
  const exchange = new FakeExchange().push(chunk('{}', true));
  await serveExchange(exchange, counting(3, 'text/event-stream'), options());
  assert.deepEqual(saidIn(exchange.sent), [{ ns: { n: 3 } }]);
});

test('a stream says it with its head, then what has changed with each message, and no message is made for it', async () => {
  const exchange = new FakeExchange().push(head('POST'), chunk('{}', true));
  await serveExchange(exchange, counting(3, 'text/event-stream'), options());
  const said = saidIn(exchange.sent).map((one) => one as { ns: { n: number } } | undefined);
  assert.equal(exchange.pieces.join('').replaceAll('|end', ''), '12!3');
  assert.deepEqual(said[0], { ns: { n: 0 } });
  const numbers = said.flatMap((one) => one?.ns.n ?? []);
  assert.deepEqual(numbers, [...new Set(numbers)].sort(), 'each is said once, in order');
  assert.equal(numbers.at(-1), 3);
});

test('nothing to say is nothing sent', async () => {
  for (const said of [undefined, {}, { ns: {} }, { ns: { a: Number.NaN } }]) {
    const exchange = new FakeExchange().push(head('GET'));
    const fetch = (_: Request, { report }: Ingress) => {
      report?.(() => said);
      return new Response('x');
    };
    await serveExchange(exchange, fetch, options());
    assert.deepEqual(saidIn(exchange.sent), [undefined]);
  }
});

test('an error in a report is logged, and costs nobody the reply', async () => {
  for (const type of ['application/json', 'text/event-stream']) {
    const exchange = new FakeExchange().push(head('GET'));
    const logged = options();
    const fetch = (_: Request, { report }: Ingress) => {
      report?.(() => {
        throw new Error('mine');
      });
      return new Response('x', { headers: { 'content-type': type } });
    };
    await serveExchange(exchange, fetch, logged);
    assert.match(`${exchange.whole.body}${exchange.pieces}`, /^x/);
    assert.match(logged.lines[0] ?? '', /^error: A report/);
  }
});

test('values that no message may have: halves of characters, controls, endless texts, numbers that are none', () => {
  const long = `${'x'.repeat(255)}😀`;
  const bytes = encodeMetadata({
    'io.envoy.ai_gateway': {
      llm_total_token: 2 ** 53 - 1,
      nan: Number.NaN,
      endless: Number.POSITIVE_INFINITY,
      none: 0,
    },
    antiphon: { half: 'a\ud800b', line: 'a\r\n{"b":1}\u0000\u009b', long, empty: '', ä: '字' },
  });
  assert.deepEqual(plain(bytes), {
    'io.envoy.ai_gateway': { llm_total_token: 2 ** 53 - 1, none: 0 },
    antiphon: { half: 'a\ufffdb', line: 'a  {"b":1}  ', long: `${'x'.repeat(255)}\ufffd`, empty: '', ä: '字' },
  });
});

test('namespaces, names and texts of any number and length are written as they are', () => {
  const names = Array.from({ length: 300 }, (_, n) => `name${n}${'é'.repeat(n)}`);
  const all = Object.fromEntries(names.map((name, n) => [name, n % 2 === 0 ? n / 3 : name.slice(0, 256)]));
  const metadata = { a: all, [`b${'c'.repeat(20_000)}`]: { d: -1.5e300 }, e: {} };
  const { e: _, ...written } = metadata;
  assert.deepEqual(plain(encodeMetadata(metadata)), written);
  assert.deepEqual(plain(encodeMetadata({ f: { g: 1 } })), { f: { g: 1 } }, 'nothing is left of the last');
  assert.throws(() => encodeMetadata({ a: { ['b'.repeat(2 ** 21)]: 1 } }), /limited to 2 MiB/);
  assert.deepEqual(plain(encodeMetadata({ f: { g: 1 } })), { f: { g: 1 } });
});
