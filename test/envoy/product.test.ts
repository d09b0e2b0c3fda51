import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { until } from '../promises/state-ask.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { newFolder } from '../support/folder.ts';
import { type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { startCommand, writeConfig } from '../support/product.ts';

const run = promisify(execFile);

let dir: string;
let model: ScriptedModel;
before(async () => {
  dir = newFolder();
  model = await startScriptedModel();
});
after(async () => {
  await model.close();
});

function ask(origin: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'x-request-id': 'ask-1' };
  return fetch(`${origin}/v1/responses`, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** The lines of the log so far; a last one that is not whole is none. */
function linesOf(product: { stdout(): string }) {
  const whole = product.stdout().split('\n').slice(0, -1);
  return whole.map((line) => JSON.parse(line));
}

test('the command starts everything, passes the smoke walk, logs JSON lines, and drains on SIGTERM', async () => {
  const config = await writeConfig(dir, testConfigFile(model));
  const product = await startCommand(['-config', config]);
  try {
    const smoke = new URL('../../envoy/smoke.sh', import.meta.url).pathname;
    await run('bash', [smoke, product.envoy], { env: { ...process.env, MODEL: 'demo', DOWN_MODEL: 'down' } });

    const slow = model.script(async (turn) => {
      await turn.text('one ');
      await turn.sleep(700);
      await turn.text('two');
      await turn.finish();
    });
    const reply = await ask(product.envoy, { model: slow, input: 'Hi', stream: true });
    const text = reply.text();
    product.kill('SIGTERM');
    assert.match(await text, /"text":"one two"[\s\S]*response\.completed[\s\S]*\[DONE\]\n\n$/);
    assert.equal(await product.exited, 0);

    const lines = linesOf(product);
    const line = lines.find(({ model }) => model === slow);
    assert.deepEqual(
      { id: line.request_id, streaming: line.streaming, status: line.status, time: typeof line.duration_ms },
      { id: 'ask-1', streaming: true, status: 200, time: 'number' },
    );
  } finally {
    product.kill('SIGKILL');
  }
});

test("Envoy's own log and its access log are lines of the log, cut and without what a query holds", async () => {
  const config = await writeConfig(dir, testConfigFile(model));
  const product = await startCommand(['-config', config]);
  try {
    assert.match(product.stderr(), /through Envoy .*, its admin: --unix-socket \/\S+\/admin http:\/\/localhost\//);
    const name = model.script(says('Hello'));
    await (await ask(product.envoy, { model: name, input: 'Hi' })).text();
    const key = 'a-key-in-a-query';
    await (await fetch(`${product.envoy}/v1/${'x'.repeat(1_000)}?key=${key}`)).text();
    const access = () => linesOf(product).filter(({ logger, message }) => logger === 'envoy' && message === 'access');
    await (await fetch(`${product.envoy}/v1/nowhere?key=${key}`)).text();
    await until(() => access().length === 3);
    const [turn, lost, asked] = access();
    assert.equal(asked.path, '/v1/nowhere?...');
    assert.partialDeepStrictEqual(turn, {
      ...{ level: 'INFO', request_id: 'ask-1', method: 'POST', path: '/v1/responses', status: 200 },
    });
    assert.equal(typeof turn.duration_ms, 'number');
    assert.partialDeepStrictEqual(lost, { level: 'INFO', status: 404, path: `/v1/${'x'.repeat(196)}` });
    assert.doesNotMatch(product.stdout(), new RegExp(key));
  } finally {
    product.kill('SIGKILL');
  }
});

test('lines are for people where they are wanted so', async () => {
  const product = await startCommand(['-no-envoy', '-log-format', 'pretty']);
  await (await ask(product.http, { model: 'demo', input: 'Hi' })).text();
  await until(() => /INFO {2}POST \/v1\/responses 200 [\d.]+ms .*backend=demo/.test(product.stdout()));
  product.kill('SIGTERM');
  assert.equal(await product.exited, 0);
  assert.doesNotMatch(product.stdout(), /^\{|\p{Cc}\[/mu);
});

test('without a configuration OPENAI_BASE_URL is the backend, and without that the demo model answers', async () => {
  const name = model.script(says('Hello'));
  const product = await startCommand(['-no-envoy', '-log-level', 'error'], { OPENAI_BASE_URL: model.url });
  const reply = await ask(product.http, { model: name, input: 'Hi' });
  assert.match(await reply.text(), /"text":"Hello"/);
  product.kill('SIGTERM');
  assert.equal(await product.exited, 0);

  const demo = await startCommand(['-no-envoy']);
  assert.match(await (await ask(demo.http, { model: 'any', input: 'Hi' })).text(), /built-in demo model/);
  demo.kill('SIGTERM');
  assert.equal(await demo.exited, 0);
});

const refused: [string, string[] | (() => Promise<string[]>), RegExp][] = [
  ['an unknown flag', ['-nope'], /-nope/],
  ['a flag without its value', ['-config'], /-config needs a value/],
  ['a file that is not there', ['-config', '/nowhere.yaml'], /\/nowhere\.yaml/],
  ['a wrong key', async () => ['-config', await writeConfig(dir, { limits: { body: '32' } })], /limits\.body/],
  ['a key of a later version', async () => ['-config', await writeConfig(dir, { isolation: 'user' })], /isolation/],
  [
    'a listener that all may reach',
    async () => ['-config', await writeConfig(dir, { listen: { http: '0.0.0.0:0' } })],
    /listen\.http is 0\.0\.0\.0:\d+, beyond the loopback.*"auth: none"/,
  ],
  ['bad YAML', async () => ['-config', await writeConfig(dir, 'models: [')], /yaml:\d+/],
  [
    'a missing variable',
    async () => ['-config', await writeConfig(dir, { errors: `\${NOT_SET_AT_ALL}` })],
    /NOT_SET_AT_ALL/,
  ],
];
for (const [what, args, said] of refused) {
  test(`${what} is refused at start, and named`, async () => {
    const product = await startCommand([...(typeof args === 'function' ? await args() : args), '-no-envoy']);
    assert.equal(await product.exited, 1);
    assert.match(product.stderr(), said);
  });
}

test('a busy port names its flag, and a backend that is our own listener is refused', async () => {
  const product = await startCommand(['-no-envoy']);
  const port = new URL(product.http).port;
  const busy = await startCommand(['-no-envoy', '-http-port', port]);
  assert.equal(await busy.exited, 1);
  assert.match(busy.stderr(), new RegExp(`${port}.*-http-port`));

  const own = await startCommand(['-no-envoy', '-http-port', '31999'], {
    OPENAI_BASE_URL: 'http://localhost:31999/v1',
  });
  assert.equal(await own.exited, 1);
  assert.match(own.stderr(), /this server itself/);
  product.kill('SIGTERM');
  await product.exited;
});
