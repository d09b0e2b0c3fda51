import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { listOf, paths, serve } from '../support/list-servers.ts';
import { freePort, UNREACHABLE } from '../support/ports.ts';
import { startCommand, writeConfig } from '../support/product.ts';

/** Much that can go wrong here is something that never comes. */
const LIMIT = { timeout: 60_000 };

const MAIN = new URL('../../shim/main.ts', import.meta.url).pathname;
const TERMINAL = new URL('../support/terminal.py', import.meta.url).pathname;

/** The command, once it is ready, with a configuration of these models. */
async function start(t: TestContext, models: object[]) {
  const file = await writeConfig(newFolder(), { models });
  const product = await startCommand(['-no-envoy', '-config', file]);
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
  });
  const lines = () =>
    product
      .stdout()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
      .filter(({ message }) => /^a model backend/.test(message));
  return { product, lines, file };
}

test('a start says in the log what each backend lists, and in its examples a model that is there', LIMIT, async (t) => {
  const origin = await serve(t, paths({ '/v1/models': [200, listOf('text-embedding', 'it; rm', 'qwen3')] }));
  const { product, lines } = await start(t, [
    { match: 'lost', backend: 'chat', url: `http://127.0.0.1:${UNREACHABLE}/v1` },
    { match: 'gpt', backend: 'chat', url: `${origin}/v1` },
    { match: '*', backend: 'chat', url: `${origin}/v1/chat/completions?key=hush-hush` },
    { match: 'q*', backend: 'chat', url: `${origin}/v1` },
  ]);
  await until(() => product.stderr().includes('/v1/models\n') && /never reached/.test(product.stdout()));
  assert.match(product.stdout(), /"warning":"models\.3\.match is never reached: models\.2\.match, \*, takes all/);

  assert.doesNotMatch(product.stderr(), /what its server lists|hush/); // a table is for terminals
  assert.doesNotMatch(product.stdout(), /hush/);
  const [lost, gpt, pasted, good] = lines();
  assert.deepEqual([lost.level, gpt.level, pasted.level, good.level], ['WARN', 'WARN', 'WARN', 'INFO']);
  assert.match(gpt.warning, /^does not list gpt; it has 3 models: /);
  assert.ok(pasted.warning.endsWith(`${origin}/v1 answers: did you mean that in models.2.url?`), pasted.warning);
  assert.deepEqual([good.match, good.backend, good.url, good.models], ['q*', 'chat', `${origin}/v1`, 3]);
});

test('a reload that changes the models asks again, and no other does', LIMIT, async (t) => {
  const origin = await serve(t, paths({ '/v1/models': [200, listOf('a')] }));
  const models = [{ match: 'a', backend: 'chat', url: `${origin}/v1` }];
  const { product, lines, file } = await start(t, models);
  await until(() => lines().length === 1);
  await writeFile(file, JSON.stringify({ models, errorDetail: true }));
  await until(() => /"changed":\["errorDetail"\]/.test(product.stdout()));
  await writeFile(file, JSON.stringify({ models: [{ ...models[0], url: origin }], errorDetail: true }));
  await until(() => lines().length === 2);
  assert.ok(lines()[1].warning.endsWith(`${origin}/v1 answers: did you mean that in models.0.url?`));
});

test('the examples name the first model that is there, and that a shell takes for a word', LIMIT, async (t) => {
  const origin = await serve(t, paths({ '/v1/models': [200, listOf("x'; touch y; '", 'text-embedding', 'qwen3')] }));
  const { product } = await start(t, [{ match: '*', backend: 'chat', url: `${origin}/v1` }]);
  await until(() => product.stderr().includes('/v1/models\n'));
  assert.doesNotMatch(product.stderr(), /touch/);
  assert.equal(product.stderr().match(/"model":"qwen3"/g)?.length, 2);
  const { product: other } = await start(t, [
    { match: 'lost', backend: 'chat', url: `http://127.0.0.1:${UNREACHABLE}/v1` },
    { match: 'text*', backend: 'chat', url: `${origin}/v1` },
    { match: '*', backend: 'chat', url: `${origin}/v1` },
  ]);
  await until(() => other.stderr().includes('/v1/models\n'));
  assert.equal(other.stderr().match(/"model":"text-embedding"/g)?.length, 2);
});

test(
  'a server that says nothing delays no start; the examples come without it, and its warning later',
  LIMIT,
  async (t) => {
    const origin = await serve(t, () => {});
    const { product, lines } = await start(t, [{ match: '*', backend: 'chat', url: `${origin}/v1` }]);
    assert.equal((await fetch(`${product.http}/readyz`)).status, 200);
    await until(() => product.stderr().includes('/v1/models\n'));
    assert.match(product.stderr(), /"model":"MODEL"/);
    assert.deepEqual(lines(), []);
    await until(() => lines().length === 1);
    assert.match(lines()[0].warning, /^does not answer in time; see whether the server runs/);
  },
);

test(
  'on a terminal there is a table, with what is wrong below it, and nothing of that in the log',
  LIMIT,
  async (t) => {
    const origin = await serve(t, paths({ '/v1/models': [200, listOf('a', '\u001b[31mred')] }));
    const file = await writeConfig(newFolder(), {
      models: [
        { match: 'b', backend: 'chat', url: `${origin}/v1` },
        { match: 'demo', backend: 'demo' },
        { match: 'demo', backend: 'demo' },
      ],
    });
    const ports = ['-port', '-http-port', '-admin-port'];
    const flags = (await Promise.all(ports.map(async (name) => [name, `${await freePort()}`]))).flat();
    const args = [TERMINAL, process.execPath, MAIN, '-no-envoy', '-config', file, ...flags];
    const child = spawn('python3', args, { cwd: newFolder() });
    t.after(async () => {
      child.kill('SIGTERM');
      await exited;
    });
    const exited = once(child, 'exit');
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    await until(() => /\/v1\/models\r?\n/.test(text));
    const lines = text.split(/\r?\n/);
    const at = lines.findIndex((line) => /^ {2}match +backend +URL +what its server lists$/.test(line));
    assert.deepEqual(
      lines.slice(at + 1, at + 6).map((line) => line.trim().split(/ {2,}/)),
      [
        ['b', 'chat', `${origin}/v1`, '2 models: a, [31mred'],
        ['demo', 'demo', 'built in'],
        ['demo', 'demo', 'built in'],
        [`! ${origin}/v1 does not list b; it has 2 models: a, [31mred`],
        ['! models.2.match is never reached: models.1.match, demo, takes all that demo matches'],
      ],
    );
    assert.doesNotMatch(text, /a model backend/);
    assert.match(text, /"model":"demo"/);
  },
);
