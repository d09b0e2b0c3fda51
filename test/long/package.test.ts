import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

test('the built package installs elsewhere, and its handler, its processor and its command run', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'antiphon-package-'));
  try {
    await run('npm', ['pack', '--pack-destination', dir], { cwd: join(import.meta.dirname, '../..') });
    const [tarball = ''] = await readdir(dir);
    await writeFile(join(dir, 'package.json'), '{"private":true,"type":"module"}');
    await run('npm', ['install', '--omit=optional', join(dir, tarball)], { cwd: dir });
    const script = `
      import { createHandler, parseConfig, fetchTransport } from 'antiphon';
      import { serveGrpc } from 'antiphon/ext-proc';
      import { openDatabase } from 'antiphon/database';
      import { codecs } from 'antiphon/codecs';
      import { createTransport } from 'antiphon/transport';
      const database = await openDatabase('sqlite:./there/a.db', 'normal');
      const { fetch: answer } = createHandler({ config: parseConfig({}), codecs, database, transport: fetchTransport(fetch) });
      const body = JSON.stringify({ model: 'demo', input: 'Hi' });
      const reply = await answer(new Request('http://x/v1/responses', { method: 'POST', headers: { 'content-type': 'application/json' }, body }));
      const limits = { body: 1, reply: 1, time: 1 };
      const server = await serveGrpc({ address: '127.0.0.1:0', fetch: answer, limits, log: () => {} });
      await server.close();
      await createTransport().close();
      console.log((await reply.json()).status);`;
    await writeFile(join(dir, 'try.js'), script);
    const { stdout } = await run(process.execPath, ['try.js'], { cwd: dir });
    assert.equal(stdout.trim().split('\n').at(-1), 'completed');
    const help = await run(process.execPath, ['node_modules/antiphon/dist/shim/main.js', '-help'], { cwd: dir });
    assert.match(help.stderr, /-http-port/);
  } finally {
    await rm(dir, { recursive: true });
  }
});
