import assert from 'node:assert/strict';
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type Door, post, testOrigin } from '../support/doors/door.ts';
import { says } from '../support/model/scripted.ts';
import { callOf, refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

const MiB = 1024 * 1024;

/** The quickest brotli: the best takes seconds for a bomb. */
const brotli = (plain: Uint8Array) =>
  brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MIN_QUALITY } });

const encoders = { gzip: gzipSync, deflate: deflateSync, br: brotli, zstd: zstdCompressSync };

/** Text that compresses to two fifths. */
function randomDigits(size: number): Buffer {
  let state = 1;
  return Buffer.alloc(size).map(() => {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    return 0x30 + ((state >>> 16) % 10);
  }) as Buffer;
}

/** Brotli that begins with so many meta-blocks of so many bytes, which are to be skipped. */
function skipped(count: number, size: number): Buffer {
  const block = (header: number, bits: number) => {
    const head = header | ((size - 1) << bits);
    return Buffer.concat([Buffer.from([head & 255, (head >> 8) & 255, head >> 16]), Buffer.alloc(size)]);
  };
  return Buffer.concat([block(0x4c, 7), ...Array<Buffer>(count - 1).fill(block(0x26, 6))]);
}

/** Sends a body in an encoding. */
function encoded(door: Door, encoding: string, body: Uint8Array): Promise<Response> {
  return post(door, body, { headers: { 'content-encoding': encoding } });
}

/** Holds a body of this encoding to reach the model. */
async function reaches(door: Door, encoding: string, encode: (plain: Buffer) => Uint8Array): Promise<void> {
  const model = door.model.script(says('ok'));
  const input = 'Grüße! '.repeat(1_000);
  const reply = await encoded(door, encoding, encode(Buffer.from(JSON.stringify({ model, input }))));
  assert.equal(reply.status, 200, encoding);
  await reply.text();
  const { body, headers } = callOf(door, model);
  assert.equal(body.messages[0].content, input);
  assert.equal(headers['content-encoding'], undefined);
}

promise(
  'body.gzip',
  { says: 'a gzip body is inflated', source: 'docs/limits.md' },
  (door) => reaches(door, 'gzip', gzipSync),
  NEEDS_HEADERS,
);

promise(
  'body.deflate',
  { says: "a deflate body is inflated, in zlib's format and raw", source: 'docs/limits.md' },
  async (door) => {
    await reaches(door, 'deflate', deflateSync);
    await reaches(door, 'deflate', deflateRawSync);
  },
  NEEDS_HEADERS,
);

promise(
  'body.br',
  { says: 'a br body is decompressed', source: 'docs/limits.md' },
  (door) => reaches(door, 'br', brotli),
  NEEDS_HEADERS,
);

promise(
  'body.identity',
  { says: 'identity is no encoding', source: 'docs/limits.md' },
  async (door) => {
    await reaches(door, 'identity', (plain) => plain);
    await reaches(door, '', (plain) => plain);
  },
  NEEDS_HEADERS,
);

promise(
  'body.two-encodings',
  {
    says: 'two encodings are 415, and one is undone whatever the case of its name and beside identity',
    source: 'docs/limits.md',
  },
  async (door) => {
    const plain = Buffer.from('{}');
    const bodies: [string, Uint8Array][] = [
      ['gzip, br', brotli(gzipSync(plain))],
      ['gzip, gzip', gzipSync(gzipSync(plain))],
      ['GZIP,deflate', deflateSync(gzipSync(plain))],
      ['gzip, nothing', gzipSync(plain)],
    ];
    for (const [encoding, body] of bodies) {
      const reply = await encoded(door, encoding, body);
      assert.equal(reply.headers.get('accept-encoding'), 'gzip, deflate, br, zstd');
      await refuses(reply, { status: 415, code: 'unsupported_media_type', message: /no more than one/ });
    }
    for (const encoding of ['identity, GZIP', 'x-gzip', 'gzip,', ' gzip , identity']) {
      await reaches(door, encoding, gzipSync);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'body.unknown-encoding',
  {
    says: 'an unknown encoding is 415, and accept-encoding names those that are known',
    source: 'RFC 9110, 12.5.3',
  },
  async (door) => {
    for (const encoding of ['compress', 'snappy', '__proto__', 'x'.repeat(2_000)]) {
      const reply = await encoded(door, encoding, Buffer.from('{}'));
      assert.equal(reply.headers.get('accept-encoding'), 'gzip, deflate, br, zstd');
      await refuses(reply, { status: 415, code: 'unsupported_media_type' });
    }
  },
  NEEDS_HEADERS,
);

promise(
  'body.corrupt',
  {
    says: 'corrupt, truncated or missing compressed data is 400, and so is what stands behind its end',
    source: 'docs/limits.md',
  },
  async (door) => {
    const plain = Buffer.from(JSON.stringify({ model: 'demo', input: 'Hello. '.repeat(500) }));
    for (const [encoding, encode] of Object.entries({ gzip: gzipSync, deflate: deflateSync, br: brotli })) {
      const whole = encode(plain);
      const garbled = Buffer.from(whole).fill(0xff, 4, 24);
      const more = Buffer.concat([whole, Buffer.from('x')]);
      const corrupt = [plain, garbled, whole.subarray(0, whole.length - 6), Buffer.alloc(0), more];
      const refused = { status: 400, code: 400, message: /content-encoding/ };
      for (const body of corrupt) await refuses(await encoded(door, encoding, body), refused);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'body.bomb',
  { says: 'a bomb is refused at the inflated limit', source: 'docs/limits.md' },
  async (door) => {
    const bomb = Buffer.alloc(8 * MiB + 1, ' ');
    const small = randomDigits(8 * MiB + 1);
    const bombs: [string, Uint8Array][] = [
      ['gzip', gzipSync(bomb)],
      ['deflate', deflateRawSync(bomb)],
      ['br', brotli(bomb)],
      ['gzip', gzipSync(small, { level: 1 })],
      ['br', brotli(small)],
    ];
    for (const [encoding, body] of bombs) {
      await refuses(await encoded(door, encoding, body), { status: 413, code: 'request_too_large' });
    }
  },
  NEEDS_HEADERS,
);

promise(
  'body.ratio',
  {
    says: 'what grows to more than two hundred times its size, and more than 1 MiB, is 413 in each encoding',
    source: 'docs/limits.md',
  },
  async (door) => {
    // Within the limit: only how much they grow tells them from others.
    const bomb = Buffer.alloc(4 * MiB, ' ');
    const tooSmall = { status: 413, code: 'request_too_large', message: /more than 200 times/ };
    for (const [encoding, encode] of Object.entries(encoders)) {
      await refuses(await encoded(door, encoding, encode(bomb)), tooSmall);
      await reaches(door, encoding, (plain) => encode(Buffer.concat([plain, bomb.subarray(0, MiB - plain.length)])));
    }
  },
  NEEDS_HEADERS,
);

promise(
  'body.nothing-comes',
  { says: 'compressed data of which nothing comes is 413 after 256 KiB of it', source: 'docs/limits.md' },
  async (door) => {
    const refused = { status: 413, code: 'request_too_large', message: /too many pieces/ };
    const plain = Buffer.from('{"model":"demo","input":"Hi"}');
    // Empty blocks, a name, and empty members before the text.
    const blocks = Buffer.concat([Buffer.alloc(5 * 100_000, Buffer.from([0, 0, 0, 255, 255])), deflateRawSync(plain)]);
    const name = Buffer.concat([Buffer.from([31, 139, 8, 8, 0, 0, 0, 0, 0, 3]), Buffer.alloc(400_000, 'n')]);
    const members = Buffer.concat([...Array<Buffer>(20_000).fill(gzipSync('')), gzipSync(plain)]);
    await refuses(await encoded(door, 'deflate', blocks), refused);
    await refuses(await encoded(door, 'gzip', name), refused);
    await refuses(await encoded(door, 'gzip', members), refused);
    await refuses(await encoded(door, 'br', skipped(10, 60_000)), refused);
  },
  NEEDS_HEADERS,
);

promise(
  'body.gzip-members',
  { says: 'a gzip body may have several members', source: 'RFC 1952, 2.2' },
  (door) =>
    reaches(door, 'gzip', (plain) =>
      Buffer.concat([gzipSync(plain.subarray(0, 99)), gzipSync(''), gzipSync(plain.subarray(99))]),
    ),
  NEEDS_HEADERS,
);

promise('body.largest', { says: '32 MiB are taken', source: 'docs/limits.md' }, async (door) => {
  const model = door.model.script(says('ok'));
  const reply = await post(door, padded({ model, input: 'Hi' }, 32 * MiB));
  assert.equal(reply.status, 200);
  await reply.text();
});

promise('body.too-large', { says: '32 MiB and a byte are 413', source: 'docs/limits.md' }, async (door) => {
  const model = door.model.script(says('never'));
  const reply = await post(door, padded({ model, input: 'Hi' }, 32 * MiB + 1));
  await refuses(reply, { status: 413, code: 'request_too_large' });
  assert.equal(door.model.calls(model).length, 0);
});

promise(
  'body.long-text',
  { says: 'a text has 10,485,760 characters at most', source: 'OpenResponses constraints' },
  async (door) => {
    const model = door.model.script(says('ok'));
    const text = 'x'.repeat(10_485_760);
    const reply = await post(door, { model, input: text });
    assert.equal(reply.status, 200);
    await reply.text();
    const longer = await post(door, { model, input: `${text}x` });
    await refuses(longer, { status: 422, code: 422, param: 'input', message: /10485760/ });
  },
);

promise(
  'body.content-type',
  { says: 'a content-type that is not JSON is 415; one that is sent twice is one', source: 'docs/errors.md' },
  async (door) => {
    const model = door.model.script(says('ok'));
    const body = JSON.stringify({ model, input: 'Hi' });
    const twice = 'application/json, application/json; charset=utf-8';
    for (const type of ['application/json; charset=utf-8', 'Application/JSON', 'application/vnd.api+json', twice]) {
      const reply = await post(door, body, { headers: { 'content-type': type } });
      assert.equal(reply.status, 200, type);
      await reply.text();
    }
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonp',
      'application/json, text/plain',
      'x'.repeat(2_000),
    ]) {
      const reply = await post(door, body, { headers: { 'content-type': type } });
      await refuses(reply, { status: 415, code: 'unsupported_media_type' });
    }
  },
);

promise(
  'body.no-content-type-page',
  {
    says: "a body without a content-type that a browser's page sends is 415: such a one is sent without a preflight",
    source: 'Fetch standard: CORS-safelisted requests',
  },
  async (door) => {
    const model = door.model.script(() => assert.fail('the model is not called'));
    const body = new Blob([JSON.stringify({ model, input: 'Hi' })]);
    const headers = { origin: testOrigin };
    const reply = await door.fetch('/v1/responses', { method: 'POST', body, headers });
    await refuses(reply, { status: 415, code: 'unsupported_media_type' });
  },
);

promise(
  'body.no-content-type',
  { says: 'a missing content-type counts as JSON', source: 'docs/errors.md' },
  async (door) => {
    const model = door.model.script(says('ok'));
    const body = new TextEncoder().encode(JSON.stringify({ model, input: 'Hi' }));
    const reply = await door.fetch('/v1/responses', { method: 'POST', body });
    assert.equal(reply.status, 200);
    await reply.text();
  },
);

promise(
  'body.chunked',
  { says: 'a body may come in pieces, its length unsaid', source: 'docs/limits.md' },
  async (door) => {
    const model = door.model.script(says('ok'));
    const pieces = JSON.stringify({ model, input: 'Hi' }).match(/.{1,7}/g) ?? [];
    const body = ReadableStream.from(pieces.map((piece) => new TextEncoder().encode(piece)));
    const reply = await door.fetch('/v1/responses', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    });
    assert.equal(reply.status, 200);
    await reply.text();
  },
  NEEDS_HEADERS,
);

function padded(body: object, size: number): string {
  return JSON.stringify(body).padEnd(size, ' ');
}
