import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { startWorker } from '../support/doors/workerd.ts';
import { newFolder } from '../support/folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MiB = 1024 * 1024;

/** Decompresses what it is sent, with the codecs that the worker has, and says how often a timer fired meanwhile. */
const worker = `
import * as zlib from 'node:zlib';
import { deflateCodec, gzipCodec, nodeBrotliCodec, zstdCodec } from '${ROOT}handler/index.ts';
import { decompress } from '${ROOT}handler/decompress.ts';

const codecs = { gzip: gzipCodec, deflate: deflateCodec, br: nodeBrotliCodec(zlib), zstd: zstdCodec(zlib) };

export default {
  async fetch(request) {
    const body = new Uint8Array(await request.arrayBuffer());
    let turns = 0, over = false;
    const turn = () => {
      turns++;
      if (!over) setTimeout(turn, 0);
    };
    setTimeout(turn, 0);
    try {
      const plain = await decompress(body, request.headers.get('x-encoding'), 64 * 1024 * 1024, codecs);
      const hash = await crypto.subtle.digest('SHA-256', plain);
      return Response.json({ turns, hash: [...new Uint8Array(hash)] });
    } catch (error) {
      return Response.json({ kind: error.kind, why: String(error.cause?.stack ?? error.cause) });
    } finally {
      over = true;
    }
  },
};`;

let dir: string;
let started: Awaited<ReturnType<typeof startWorker>>;

before(async () => {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'; // wrangler would look up a sample request's details
  process.env.WRANGLER_SEND_METRICS = 'false';
  dir = newFolder();
  const main = join(dir, 'worker.mjs');
  await writeFile(main, worker);
  const config = join(dir, 'wrangler.json');
  await writeFile(config, JSON.stringify({ name: 'codecs', main, compatibility_date: '2026-10-01' }));
  started = await startWorker({ config });
});
after(() => started.dispose());

async function decompressed(encoding: string, body: Uint8Array) {
  const { origin } = await started.url;
  const reply = await fetch(origin, { method: 'POST', body, headers: { 'x-encoding': encoding } });
  return (await reply.json()) as { turns: number; hash: number[]; kind?: string; why?: string };
}

const encoders = {
  gzip: (plain: Uint8Array) => gzipSync(plain),
  deflate: (plain: Uint8Array) => deflateSync(plain),
  br: (plain: Uint8Array) => brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: (plain: Uint8Array) => zstdCompressSync(plain),
};

for (const [encoding, encode] of Object.entries(encoders)) {
  test(`workerd: ${encoding} is decompressed whole, timers fire between slices, and what is wrong is refused`, async () => {
    const plain = Buffer.from(Array.from({ length: 1.2 * MiB }, (_, n) => `${n} `).join(''));
    const { turns, hash } = await decompressed(encoding, encode(plain));
    assert.deepEqual(Buffer.from(hash), createHash('sha256').update(plain).digest());
    assert.ok(turns >= 4, `${turns} turns`);
    const { kind, why } = await decompressed(encoding, encode(new Uint8Array(400 * MiB)));
    assert.equal(kind, 'too_large', why);
    const small = encode(plain.subarray(0, 3_000));
    const behind = [Buffer.from('x'), Buffer.alloc(100_000, 'x')].map((more) => Buffer.concat([small, more]));
    for (const body of [new Uint8Array(0), small.subarray(0, 40), small.subarray(0, small.length - 1), ...behind]) {
      assert.equal((await decompressed(encoding, body)).kind, 'corrupt_body');
    }
  });
}
