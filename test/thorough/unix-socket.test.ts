import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stat, symlink, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { serveHttp } from '../../shim/http.ts';
import { serveGrpc } from '../../shim/server.ts';
import type { Ingress } from '../../shim/session.ts';
import { newFolder } from '../support/folder.ts';
import { options } from '../support/shim-fake-exchange.ts';

const fetch = (_: Request, ingress: Ingress) => Response.json(ingress.rebindable);

/** The two kinds of servers, each on a socket. */
const kinds = {
  http: (path: string) => serveHttp({ path, fetch, log: () => {} }),
  grpc: (path: string) => serveGrpc({ address: `unix:${path}`, fetch, ...options() }),
};

test('HTTP on a unix socket is served to any name, and WebSockets as well', async (t) => {
  const path = join(newFolder(), 'a.sock');
  const server = await kinds.http(path);
  t.after(server.close);
  const [reply] = await once(get({ socketPath: path, path: '/', headers: { host: 'evil.example' } }), 'response');
  assert.equal(await text(reply), 'false');
  const socket = new WebSocket(`ws+unix://${path}:/`).on('error', () => {});
  const [, refusal] = await once(socket, 'unexpected-response'); // which fetch above makes of every wish
  assert.equal(refusal.statusCode, 200);
});

for (const [kind, serve] of Object.entries(kinds)) {
  test(`${kind}: a socket is its owner's and group's, whatever the umask, and goes with its server`, async () => {
    const dir = newFolder();
    for (const umask of [0o000, 0o077]) {
      const path = join(dir, `${umask}.sock`);
      const before = process.umask(umask);
      const server = await serve(path).finally(() => process.umask(before));
      assert.equal((await stat(path)).mode & 0o777, 0o660);
      await server.drain(1_000);
      assert.equal(existsSync(path), false);
    }
  });

  test(`${kind}: what a killed process left is taken over, and what another listens on is not`, async () => {
    const path = join(newFolder(), 'a.sock');
    const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    await assert.rejects(serve(path), { message: `unix:${path} is in use: another process listens on it` });
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(existsSync(path));
    const server = await serve(path);
    await server.close();
  });

  test(`${kind}: a path that cannot be a socket's is an Error that names it and says why`, async () => {
    const dir = newFolder();
    await writeFile(join(dir, 'file'), 'kept');
    await symlink(join(dir, 'nowhere'), join(dir, 'link'));
    const long = join(dir, 'a'.repeat(100));
    for (const [path, why] of [
      [join(dir, 'file'), /^unix:.*file is there, and is no socket: choose another path, or remove it$/],
      [join(dir, 'link'), /^unix:.*link is there, and is no socket/],
      [long, /^unix:.*aaa is too long: a socket's path has 10\d bytes at most$/],
      [join(dir, 'none', 'a.sock'), /^unix:.*none\/a\.sock: its folder .*none is not there$/],
    ] as const) {
      await assert.rejects(serve(path), ({ message }: Error) => why.test(message) || assert.fail(message));
    }
    assert.ok(existsSync(join(dir, 'file')));
  });
}
