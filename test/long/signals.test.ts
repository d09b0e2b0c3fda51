import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { accepts } from '../../envoy/ports.ts';
import { newFolder } from '../support/folder.ts';
import { type ScriptedModel, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { writeConfig } from '../support/product.ts';

const TIMES = Number(process.env.TIMES ?? 20);
const ROOT = new URL('../../', import.meta.url).pathname;
const TERMINAL = new URL('../support/terminal.py', import.meta.url).pathname;

/** How `npm start` is run, and how it is then told to stop: by its terminal, or by a signal to all that belongs to it. */
const ways: [string, readonly string[], (npm: ChildProcess) => void][] = [
  ['Ctrl-C in its terminal', ['python3', TERMINAL, 'npm'], (npm) => npm.stdin?.write('\x03')],
  ['kill -TERM -PGID', ['npm'], (npm) => process.kill(-(npm.pid ?? 0), 'SIGTERM')],
  ['kill -INT -PGID', ['npm'], (npm) => process.kill(-(npm.pid ?? 0), 'SIGINT')],
];

for (const [what, command, stop] of ways) {
  test(`npm start drains on ${what}, ${TIMES} times of ${TIMES}`, async (t) => {
    const dir = newFolder();
    const model = await startScriptedModel();
    t.after(() => model.close());
    for (let n = 0; n < TIMES; n++) await drains(t, dir, model, command, stop);
  });
}

async function drains(
  t: TestContext,
  dir: string,
  model: ScriptedModel,
  [program = '', ...args]: readonly string[],
  stop: (npm: ChildProcess) => void,
): Promise<void> {
  const [grpc, http] = [await freePort(), await freePort()];
  const config = await writeConfig(dir, {
    models: [{ match: '*', backend: 'chat', url: model.url }],
    database: `sqlite:${dir}/a.db`,
    listen: { grpc: `127.0.0.1:${grpc}`, http: `127.0.0.1:${http}`, admin: 'off' },
  });
  const start = ['start', '--', '-no-envoy', '-config', config];
  const npm = spawn(program, [...args, ...start], { cwd: ROOT, detached: true });
  const exited = once(npm, 'exit');
  t.after(() => npm.kill('SIGTERM'));
  let printed = '';
  const said = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => pattern.test(printed) && resolve();
      for (const output of [npm.stdout, npm.stderr]) output?.on('data', look);
      exited.then(() => reject(new Error(`it has ended: ${printed}`)));
      look();
    });
  for (const output of [npm.stdout, npm.stderr]) {
    output?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  await said(/Antiphon is ready/);

  const released = Promise.withResolvers<void>();
  const slow = model.script(async (turn) => {
    await turn.text('one ');
    await released.promise;
    await turn.sleep(300); // in which what npm passes on has come, too
    await turn.text('two');
    await turn.finish();
  });
  const reply = await fetch(`http://127.0.0.1:${http}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: slow, input: 'Hi', stream: true }),
  });
  stop(npm);
  await said(/draining/);
  released.resolve();
  assert.match(await reply.text(), /"text":"one two"[\s\S]*response\.completed[\s\S]*\[DONE\]\n\n$/, printed);
  await exited;
  assert.match(printed, /draining: 1 request, 25 s at most; again to cut/);
  assert.equal(await accepts('127.0.0.1', http), false);
}
