import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { startCommand } from '../support/product.ts';

const MiB = 1024 * 1024;
const params = { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 24 };
const brotli = (plain: Uint8Array) => brotliCompressSync(plain, { params });

/** A request with 60 MiB of something in its middle. */
const stuffed = (begin: string, piece: string, end: string) =>
  Buffer.concat([Buffer.from(begin), Buffer.alloc(60 * MiB, piece), Buffer.from(end)]);

const lists = stuffed('{"model":"demo","input":"Hi","unknown":[', '[],', '[]]}');
const tools = '{"model":"demo","input":"Hi","tools":[{"type":"function","name":"f","parameters":{"enum":[';
const deflated = Buffer.concat([Buffer.from([0x78, 0x9c]), Buffer.alloc(60 * MiB, Buffer.from([0, 0, 0, 255, 255]))]);

/** Bodies that once ended or blocked the process, each with its status. */
const attacks: Record<string, { encoding?: string; body: Uint8Array; status: number }> = {
  'lists in a member that nobody reads': { encoding: 'br', body: brotli(lists), status: 413 },
  'lists in the parameters of a tool': { encoding: 'br', body: brotli(stuffed(tools, '[],', '[]]}}]}')), status: 413 },
  'levels without end': { encoding: 'br', body: brotli(stuffed('{"a":', '[', '')), status: 413 },
  'the same, in gzip': { encoding: 'gzip', body: gzipSync(lists), status: 413 },
  'the same, in zstd': { encoding: 'zstd', body: zstdCompressSync(lists), status: 413 },
  'empty blocks in another encoding': { encoding: 'deflate, br', body: brotli(deflated), status: 415 },
  'empty blocks': { encoding: 'deflate', body: deflated.subarray(0, 4 * MiB), status: 413 },
  'lists as they are': { body: lists.subarray(0, 8 * MiB), status: 400 },
  'levels as they are': { body: Buffer.alloc(8 * MiB, '['), status: 400 },
};

/** The most memory that a process has had resident so far, in MiB. */
function peak(pid: number): number {
  const [, kib = ''] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

/** What the process may use, in MiB; it may hold half of that (`limits.inFlight`), and the rest is what waits for the collector. */
const HEAP = 512;

const skip = !existsSync('/proc/self/status') && 'memory is read from /proc';

test('bodies made to grow are refused, six at a time, without memory', { skip }, async (t) => {
  const product = await startCommand(['-no-envoy'], { NODE_OPTIONS: `--max-old-space-size=${HEAP}` });
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
  });
  const post = (body: Uint8Array | string, encoding?: string) =>
    fetch(`${product.http}/v1/responses`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...(encoding && { 'content-encoding': encoding }) },
    });
  const works = async () => {
    const reply = await post('{"model":"demo","input":"Hi"}');
    assert.equal(reply.status, 200, await reply.text());
  };
  await works();
  const before = peak(product.pid);
  for (const [name, { encoding, body, status }] of Object.entries(attacks)) {
    const replies = await Promise.all(Array.from({ length: 6 }, () => post(body, encoding)));
    for (const reply of replies) assert.equal(reply.status, status, `${name}: ${await reply.text()}`);
    t.diagnostic(`${name}: ${body.length} bytes, ${Math.round(peak(product.pid) - before)} MiB`);
    await works();
  }
  assert.ok(peak(product.pid) - before < HEAP, `${peak(product.pid)} MiB after ${before}`);
});
