import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { unstable_startWorker } from 'wrangler';
import { freePort } from '../ports.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MiB = 1024 * 1024;

/** Decompresses what it is sent, with the codecs that the worker has, and says how often a timer fired meanwhile. */
const worker = `
import * as zlib from 'node:zlib';
import { brotliCodec, deflateCodec, gzipCodec, zstdCodec } from '${ROOT}handler/index.ts';
import { decompress } from '${ROOT}handler/decompress.ts';
import initBrotli, * as brotli from '${ROOT}node_modules/brotli-wasm/pkg.web/brotli_wasm.js';
import brotliWasm from '${ROOT}node_modules/brotli-wasm/pkg.web/brotli_wasm_bg.wasm';

const codecs = { gzip: gzipCodec, deflate: deflateCodec, br: brotliCodec(brotli), zstd: zstdCodec(zlib) };

export default {
  async fetch(request) {
    await initBrotli(brotliWasm);
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
      return Response.json({ kind: error.kind });
    } finally {
      over = true;
    }
  },
};`;

let dir: string;
let started: Awaited<ReturnType<typeof unstable_startWorker>>;

before(async () => {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'; // wrangler would look up a sample request's details
  process.env.WRANGLER_SEND_METRICS = 'false';
  dir = await mkdtemp(join(tmpdir(), 'antiphon-codecs-'));
  const main = join(dir, 'worker.mjs');
  await writeFile(main, worker);
  const config = join(dir, 'wrangler.json');
  await writeFile(config, JSON.stringify({ name: 'codecs', main, compatibility_date: '2026-10-01' }));
  const server = { hostname: '127.0.0.1', port: await freePort() };
  started = await unstable_startWorker({
    config,
    dev: { server, inspector: false, persist: false, watch: false, logLevel: 'none' },
  });
});
after(async () => {
  await started.dispose();
  await rm(dir, { recursive: true });
});

async function decompressed(encoding: string, body: Uint8Array) {
  const { origin } = await started.url;
  const reply = await fetch(origin, { method: 'POST', body, headers: { 'x-encoding': encoding } });
  return (await reply.json()) as { turns: number; hash: number[]; kind?: string };
}

const encoders = {
  gzip: (plain: Uint8Array) => gzipSync(plain),
  deflate: (plain: Uint8Array) => deflateSync(plain),
  br: (plain: Uint8Array) => brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: (plain: Uint8Array) => zstdCompressSync(plain),
};

for (const [encoding, encode] of Object.entries(encoders)) {
  test(`workerd: ${encoding} is decompressed whole, timers fire between slices, and what grows too much is stopped`, async () => {
    const plain = Buffer.from(Array.from({ length: 1.2 * MiB }, (_, n) => `${n} `).join(''));
    const { turns, hash } = await decompressed(encoding, encode(plain));
    assert.deepEqual(Buffer.from(hash), createHash('sha256').update(plain).digest());
    assert.ok(turns >= 4, `${turns} turns`);
    const { kind } = await decompressed(encoding, encode(new Uint8Array(60 * MiB)));
    assert.equal(kind, 'too_large');
  });
}
