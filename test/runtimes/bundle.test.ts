import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { newFolder } from '../support/folder.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * What the worker may weigh, minified and gzipped. The platform would take far more (wrangler measures against 64 MiB, unpacked); but
 * an isolate loads all of it before its first answer, so whoever adds a tenth is to know and to say so here.
 * Ten of it are the Messages API, ten more several servers behind a name, and ten OpenAI's other APIs: all are there for everybody who
 * has a model. Eight are the one way out for tools, and
 * functions by configuration. Two are what hosted tools did, as items that a server makes: every follow-up has to read them.
 * Two are hooks.
 * Six are what a Worker without MCP has of it: its items, approvals in a history, and its part of the configuration.
 * Four are what a call does when the servers of its model are bad, and the list of models that Codex reads.
 */
const BUDGET_KIB = 250;

test('the worker as it is deployed stays small', async (t) => {
  const out = newFolder();
  const env = {
    ...process.env,
    WRANGLER_HIDE_BANNER: 'true', // for its banner, wrangler asks npm for the newest version
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_WRITE_LOGS: 'false',
  };
  const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');
  const args = [wrangler, 'deploy', '--dry-run', '--outdir', out];
  await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });

  const names = (await readdir(out)).filter((name) => /\.(js|wasm)$/.test(name));
  const uploaded = Buffer.concat(await Promise.all(names.sort().map((name) => readFile(join(out, name)))));
  const [whole, gzipped] = [uploaded.length, gzipSync(uploaded).length].map((bytes) => Math.round(bytes / 1024));
  t.diagnostic(`${whole} KiB, ${gzipped} KiB gzipped, of at most ${BUDGET_KIB}: ${names.join(', ')}`);
  assert.deepEqual(names, ['main.js']);
  assert.doesNotMatch(
    uploaded.toString(),
    /TracerProvider|MeterProvider/,
    'only a Worker that asks for it has OpenTelemetry',
  );
  assert.ok(gzipped !== undefined && gzipped <= BUDGET_KIB, `${gzipped} KiB gzipped`);
});
