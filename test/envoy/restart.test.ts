import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findEnvoy } from '../../envoy/find.ts';
import { accepts } from '../../envoy/ports.ts';
import { isServed } from '../../envoy/socket-folder.ts';
import { until } from '../promises/state-ask.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { newFolder } from '../support/folder.ts';
import { startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { startCommand, writeConfig } from '../support/product.ts';

/** By then Envoy has started, in milliseconds. */
const LATE = 3_000;

const LINUX = process.platform === 'linux' ? false : 'it finds processes in /proc';

/** The processes whose command line has this in it. */
async function processesOf(pattern: RegExp): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (pattern.test(line.replaceAll('\0', ' '))) found.push(Number(pid));
  }
  return found;
}

test('Envoy that dies is started again, and nothing that does not need it is refused meanwhile', {
  skip: LINUX,
}, async (t) => {
  const dir = newFolder();
  const model = await startScriptedModel();
  t.after(model.close);
  // An Envoy that does not start while a file is there.
  const broken = join(dir, 'broken');
  const wrapper = join(dir, 'envoy');
  await writeFile(wrapper, `#!/bin/sh\n[ -e ${broken} ] && exit 7\nexec ${(await findEnvoy()).path} "$@"\n`);
  await chmod(wrapper, 0o755);
  const product = await startCommand(['-config', await writeConfig(dir, { ...testConfigFile(model), limits: {} })], {
    ENVOY_PATH: wrapper,
  });
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
  });
  const envoyIs = async (ready: boolean) => {
    const reply = await fetch(`${product.admin}/readyz`);
    const { reasons = [] } = (await reply.json()) as { reasons?: string[] };
    return reasons.includes('envoy') !== ready;
  };
  const port = new URL(product.envoy).port;
  const killed = async () => {
    for (const pid of await processesOf(new RegExp(`^\\S*envoy --config-yaml .*"port_value":${port}\\b`)))
      process.kill(pid, 'SIGKILL');
    await until(() => envoyIs(false));
  };
  const answers = async (origin: string) => {
    const reply = await fetch(`${origin}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'demo', input: 'Hi' }),
    });
    return reply.status === 200;
  };

  let over = false;
  const slow = model.script(async (turn) => {
    for (; !over; await turn.sleep(20)) await turn.text('.');
    await turn.text('two');
    await turn.finish();
  });
  const body = JSON.stringify({ model: slow, input: 'Hi', stream: true });
  const headers = { 'content-type': 'application/json' };
  const running = await fetch(`${product.http}/v1/responses`, { method: 'POST', headers, body });
  await writeFile(broken, '');
  await killed();
  for (let n = 0; n < 3; n++) assert.ok(await answers(product.http));
  await until(() => product.stdout().includes('cannot start Envoy'));
  assert.ok(await answers(product.http));
  await rm(broken);
  await until(() => envoyIs(true));
  assert.ok(await answers(product.envoy));
  await killed(); // and once more, without anything in the way
  await until(() => envoyIs(true));
  assert.ok(await answers(product.envoy));
  over = true;
  assert.match(await running.text(), /\.two[\s\S]*response\.completed/);
  assert.match(product.stdout(), /"message":"Envoy has exited"[\s\S]*"message":"Envoy is running again"/);
  product.kill('SIGTERM');
  assert.equal(await product.exited, 0);
  assert.equal(await accepts('127.0.0.1', Number(port)), false);
});

test('a process that stops while its Envoy cannot start stops at once, and leaves none', { skip: LINUX }, async (t) => {
  const dir = newFolder();
  const wrapper = join(dir, 'envoy');
  const broken = join(dir, 'broken');
  const sleeping = `sleep 59.${process.pid}`;
  await writeFile(
    wrapper,
    `#!/bin/sh\n[ -e ${broken} ] && [ "$1" != --version ] && exec ${sleeping}\nexec ${(await findEnvoy()).path} "$@"\n`,
  );
  await chmod(wrapper, 0o755);
  const product = await startCommand([], { ENVOY_PATH: wrapper });
  t.after(() => product.kill('SIGKILL'));
  const port = new URL(product.envoy).port;
  await writeFile(broken, '');
  const [pid = 0] = await processesOf(new RegExp(`^\\S*envoy --config-yaml .*"port_value":${port}\\b`));
  process.kill(pid, 'SIGKILL');
  await until(async () => (await processesOf(new RegExp(`^${sleeping} $`))).length > 0);
  product.kill('SIGTERM');
  assert.equal(await product.exited, 0);
});

test('no Envoy is left by a process that is killed at any moment, started by npm', { skip: LINUX }, async (t) => {
  const cwd = join(import.meta.dirname, '../..');
  const dir = newFolder();
  const config = await writeConfig(dir, { database: 'sqlite::memory:' });
  for (const wait of [600, 900, 1_200, 1_600, LATE]) {
    const [port, http, envoy, admin] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const ports = ['-port', port, '-http-port', http, '-envoy-port', envoy, '-admin-port', admin].map(String);
    const npm = spawn('npm', ['start', '--', '-config', config, ...ports], { cwd, stdio: 'ignore' });
    t.after(() => npm.kill('SIGKILL'));
    const ours = new RegExp(`^\\S*node shim/main\\.ts .*-envoy-port ${envoy} `);
    await until(async () => (await processesOf(ours)).length > 0);
    await sleep(wait); // in the middle of its start, and after it
    const theirs = new RegExp(`--config-yaml .*"port_value":${envoy}\\b`);
    // One that hangs ends no less.
    if (wait === LATE) for (const pid of await processesOf(theirs)) process.kill(pid, 'SIGSTOP');
    for (const pid of await processesOf(ours)) process.kill(pid, 'SIGKILL');
    await until(async () => (await processesOf(theirs)).length === 0);
    assert.equal(await accepts('127.0.0.1', envoy), false);
  }
});

test('the socket folders of a killed process go at the next start, and no others', async (t) => {
  const dir = newFolder();
  const start = async () => {
    const product = await startCommand([], { TMPDIR: dir });
    t.after(() => product.kill('SIGKILL'));
    return product;
  };
  const folders = async () => (await readdir(dir)).filter((name) => name.startsWith('antiphon-sockets-')).sort();
  const live = await start();
  const served = await folders();
  const killed = await start();
  const stale = (await folders()).filter((name) => !served.includes(name));
  killed.kill('SIGKILL');
  await killed.exited;
  await until(async () => {
    const sockets = await Promise.all(
      stale.map(async (name) => (await readdir(join(dir, name))).map((socket) => join(dir, name, socket))),
    );
    return !(await Promise.all(sockets.flat().map(isServed))).includes(true); // Envoy ends a moment later
  });

  for (const name of ['empty', 'new', 'file']) await mkdir(join(dir, `antiphon-sockets-${name}`));
  await mkdir(join(dir, 'antiphon-other'));
  await writeFile(join(dir, 'antiphon-sockets-file/notes'), '');
  await symlink('antiphon-other', join(dir, 'antiphon-sockets-link'));
  const hourAgo = Date.now() / 1000 - 3_600;
  const old = (await readdir(dir)).filter((name) => name.startsWith('antiphon-') && name !== 'antiphon-sockets-new');
  for (const name of old) await utimes(join(dir, name), hourAgo, hourAgo);

  const kept = [...served, ...['file', 'link', 'new'].map((name) => `antiphon-sockets-${name}`)].sort();
  const next = await start();
  assert.deepEqual(stale.length, 2);
  const left = await folders();
  assert.deepEqual(
    left.filter((name) => [...kept, ...stale, 'antiphon-sockets-empty'].includes(name)),
    kept,
  );
  assert.equal(left.length, kept.length + 2, 'its own');
  assert.ok((await readdir(dir)).includes('antiphon-other'));
  for (const { envoy, admin } of [live, next]) {
    assert.equal((await fetch(`${admin}/readyz`)).status, 200);
    assert.equal((await fetch(`${envoy}/v1/models`)).status, 200);
  }
});
