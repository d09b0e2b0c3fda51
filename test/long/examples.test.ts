import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { launch } from '../../envoy/child.ts';
import { findEnvoy } from '../../envoy/find.ts';
import { startNpmServers } from '../mcp-servers/start.ts';
import { until } from '../promises/state-ask.ts';
import { findBun } from '../support/doors/bun.ts';
import { findDeno } from '../support/doors/deno.ts';
import { startWorker } from '../support/doors/workerd.ts';
import { compileExample, installExample, startExample } from '../support/example.ts';
import { callsFunctions, hangs, type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type Packed, pack } from '../support/pack.ts';
import { freePort } from '../support/ports.ts';
import { openSocket } from '../support/socket.ts';

// Each example as a reader has it: copied out of the project, installed with the packed package, and run.

const ROOT = join(import.meta.dirname, '../..');
const NODE = [process.execPath, 'main.ts'];

const undo: (() => Promise<void>)[] = [];
let packed: Packed;
let model: ScriptedModel;

before(async () => {
  model = await startScriptedModel();
  undo.push(() => model.close());
  packed = await pack();
});
after(async () => {
  for (const fn of undo.reverse()) await fn();
});

const env = () => ({ OPENAI_BASE_URL: model.url });

function clientOf(origin: string, path = '/v1', apiKey = 'unused'): OpenAI {
  return new OpenAI({ baseURL: `${origin}${path}`, apiKey, maxRetries: 0 });
}

/** What any root does: it answers, keeps what it answered, streams, and, where it can, over WebSockets as well. */
async function answers(client: OpenAI, { sockets = true } = {}): Promise<void> {
  const name = model.script(says('Hello', ' there'));
  const first = await client.responses.create({ model: name, input: 'Hi' });
  assert.equal(first.output_text, 'Hello there');
  const stream = client.responses.stream({ model: name, input: 'Go on', previous_response_id: first.id });
  assert.equal((await stream.finalResponse()).output_text, 'Hello there');
  if (!sockets) return;
  const socket = await openSocket({ client }, { authorization: `Bearer ${client.apiKey}` });
  assert.equal((await socket.create({ model: name })).final.status, 'completed');
  socket.close();
}

/** Runs files of tests in a process of its own, and holds that all pass, and that there are some. */
async function runTests(files: readonly string[], cwd: string, more: Record<string, string> = {}): Promise<void> {
  const { NODE_TEST_CONTEXT: _, ...clean } = process.env;
  const args = ['--test', '--test-concurrency=1', '--test-reporter=tap', ...files];
  const running = promisify(execFile)(process.execPath, args, { cwd, env: { ...clean, ...more }, maxBuffer: 1 << 26 });
  const { stdout } = await running.catch(({ stdout }) =>
    assert.fail(
      String(stdout)
        .match(/^ *not ok .*$/gm)
        ?.join('\n'),
    ),
  );
  assert.match(stdout, /^# pass [1-9]\d/m);
}

test('guardrails: the command runs a file beside its configuration, whose types it takes off', async (t) => {
  const folder = await installExample(packed, 'guardrails');
  await compileExample(folder, { types: ['node'] });
  const command = [process.execPath, 'node_modules/antiphon/dist/shim/main.js'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...command.slice(1), 'check', '-config', 'antiphon.yaml'],
    {
      cwd: folder,
      env: { ...process.env, ...env(), PORT: '8080' },
    },
  ).catch((error) => error);
  assert.match(stdout, /antiphon\.config\.ts: no mistakes/);
  const { origin, stop } = await startExample(
    t,
    folder,
    [...command, '-config', 'antiphon.yaml'],
    await freePort(),
    env(),
  );
  const client = clientOf(origin);
  await answers(client);
  const name = model.script(callsFunctions({ name: 'add', args: '{"a":2,"b":3}' }), says('It is 5.'));
  const { output } = await client.responses.create({
    ...{ model: name, input: 'What is 2 + 3?' },
    // Of a function that the server runs its name is enough, which the type does not know.
    tools: [{ type: 'function', name: 'add' } as never],
  });
  assert.deepEqual(
    output.map((item) => (item.type === 'mcp_call' ? item.output : item.type)),
    ['{"sum":5}', 'message'],
  );
  const card = '4111 1111 1111 1111';
  const refused = client.responses.create({ model: name, input: `Mine is ${card}` });
  await assert.rejects(refused, { status: 400, param: 'input', message: /looks like the number of a card/ });
  const told = await client.responses.create({ model: model.script(says(`Try ${card}.`)), input: 'Any?' });
  assert.equal(told.output_text, 'Try [number].');
  assert.equal(await stop(), 0);
});

test('node-tool: the model calls a tool of the root, and what is wrong with its entry is refused', async (t) => {
  const folder = await installExample(packed, 'node-tool');
  await compileExample(folder, { types: ['node'] });
  const { origin, stop } = await startExample(t, folder, NODE, await freePort(), env());
  const client = clientOf(origin);
  await answers(client);
  const create = (name: string, sides: number) =>
    // The type is the root's own.
    client.responses.create({ model: name, input: 'Roll', tools: [{ type: 'dice', sides } as never] });
  const name = model.script(callsFunctions({ name: 'mcp_dice__roll', args: '{}', id: 'c1' }), says('There.'));
  const [call, message] = (await create(name, 20)).output;
  assert.ok(call?.type === 'mcp_call' && message?.type === 'message');
  const rolled = Number(call.output);
  assert.ok(rolled >= 1 && rolled <= 20, `${call.output}`);
  assert.equal(model.calls(name)[1]?.body.messages.at(-1).content, call.output);
  await assert.rejects(create(name, 1), { status: 400, param: 'tools[0].sides' });
  assert.equal(await stop(), 0);
});

test('hono-app: the API is below /api/v1 for those whom the app knows, and callers are its users', async (t) => {
  const folder = await installExample(packed, 'hono-app');
  await compileExample(folder, { types: ['node'] });
  const { origin, stop } = await startExample(t, folder, NODE, await freePort(), env(), '/');
  const [ann, bob] = [clientOf(origin, '/api/v1', 'key-of-ann'), clientOf(origin, '/api/v1', 'key-of-bob')];
  const name = model.script(says('Hello'));
  await assert.rejects(clientOf(origin, '/api/v1', 'another').models.list(), { status: 401, code: 'invalid_api_key' });
  assert.equal((await fetch(`${origin}/v1/models`)).status, 404);
  const headers = { authorization: 'Bearer key-of-ann' };
  assert.equal((await fetch(`${origin}/api/v1/%63onversations`, { method: 'POST', headers })).status, 400);

  await answers(ann);
  const create = { model: name, input: 'Hi' };
  const first = await ann.responses.create(create);
  await ann.responses.create({ ...create, previous_response_id: first.id });
  const { script } = hangs();
  const held = await ann.responses.create({ model: model.script(script), input: 'Hi', stream: true });
  await assert.rejects(ann.responses.create(create), { status: 429 });
  await bob.responses.create(create);
  held.controller.abort();
  assert.equal(await stop(), 0);
});

test('backend: a backend of the root keeps the contract and answers; a wrong key ends the start', async (t) => {
  const folder = await installExample(packed, 'backend');
  await compileExample(folder, { types: ['node'] });
  await runTests([], folder, { PORT: `${await freePort()}` });
  const starting = startExample(t, folder, NODE, await freePort(), { LLAMA_URL: 'nowhere' });
  await assert.rejects(starting, /configuration: models\.0 cannot be opened: url must be a URL/);
});

test('database: a driver of the root keeps the contract, and every promise, and what is kept outlives the process', async (t) => {
  const folder = await installExample(packed, 'database');
  await compileExample(folder, { types: ['node'], skipLibCheck: true }); // PGlite's own declarations lack types of others
  await runTests([], folder);

  // Its errors have to be of the classes that the handler knows, and in the clone these are not those of the package.
  const driver = await readFile(join(folder, 'postgres.ts'), 'utf8');
  const ours = driver.replace("'antiphon/database'", JSON.stringify(join(ROOT, 'exports/database.ts')));
  const lines = [
    "import { PGlite } from '@electric-sql/pglite';",
    ours,
    'export const open = async () => postgres(new PGlite());',
  ];
  await writeFile(join(folder, 'open.ts'), lines.join('\n'));
  const promises = ['test/in-process/fast-1.test.ts', 'test/in-process/fast-2.test.ts'];
  await runTests(promises, ROOT, { TEST_DATABASE: join(folder, 'open.ts') });

  const port = await freePort();
  const first = await startExample(t, folder, NODE, port, env());
  await answers(clientOf(first.origin));
  const { id } = await clientOf(first.origin).responses.create({ model: model.script(says('Hello')), input: 'Hi' });
  assert.equal(await first.stop(), 0);
  const second = await startExample(t, folder, NODE, port, env());
  assert.equal((await clientOf(second.origin).responses.retrieve(id)).output_text, 'Hello');
  assert.equal(await second.stop(), 0);
});

test('worker: a Worker with keys of its own, D1, background turns in Durable Objects, and traces', async (t) => {
  const receiver = await startOtlpReceiver();
  t.after(() => receiver.close());
  const folder = await installExample(packed, 'worker', 'dev');
  await compileExample(folder, {
    ...{ module: 'esnext', moduleResolution: 'bundler', types: [] },
    lib: ['es2024', 'webworker', 'webworker.asynciterable'],
  });
  const text = (value: string) => ({ type: 'plain_text', value }) as const;
  const worker = await startWorker({
    config: join(folder, 'wrangler.toml'),
    bindings: {
      OPENAI_BASE_URL: text(model.url),
      API_KEYS: text('key-1 key-2'),
      OTEL_EXPORTER_OTLP_ENDPOINT: text(receiver.url),
    },
  });
  t.after(() => worker.dispose());
  const { origin } = await worker.url;
  await assert.rejects(clientOf(origin).models.list(), { status: 401, code: 'invalid_api_key' });
  const client = clientOf(origin, '/v1', 'key-2');
  await answers(client);
  const asked = await client.responses.create({ model: model.script(says('Now.')), input: 'When?', background: true });
  let last = asked;
  while (last.status === 'queued' || last.status === 'in_progress') {
    await sleep(50);
    last = await client.responses.retrieve(asked.id);
  }
  assert.deepEqual([last.status, last.output_text], ['completed', 'Now.']);
  for (const path of ['/v1/traces', '/v1/metrics'])
    await until(() => receiver.posts.some((post) => post.path === path));
});

async function tryRuntime(t: TestContext, name: 'deno' | 'bun'): Promise<void> {
  const runtime = name === 'deno' ? findDeno() : findBun();
  if (!runtime) return t.skip(`the npm package ${name} has no binary for this machine`);
  const folder = await installExample(packed, name);
  const args = {
    deno: [
      'run',
      '--no-lock',
      '--node-modules-dir=manual',
      '--allow-net',
      '--allow-env',
      '--allow-read',
      '--allow-write',
    ],
    bun: ['run', '--no-install'],
  }[name];
  if (name === 'bun') await compileExample(folder, { types: ['bun'] });
  else {
    const check = ['check', '--no-lock', '--node-modules-dir=manual', 'main.ts'];
    await promisify(execFile)(runtime.binary, check, { cwd: folder, env: { ...process.env, ...runtime.env } });
  }
  const command = [runtime.binary, ...args, 'main.ts'];
  const mcp = await startNpmServers();
  t.after(mcp.stop);
  const { url = '', adds = '', sum = '' } = mcp.servers[0] ?? {};
  const given = { ...env(), ...runtime.env, MCP_URL: url };
  const { origin, stop } = await startExample(t, folder, command, await freePort(), given);
  const client = clientOf(origin);
  await answers(client, { sockets: name === 'deno' });
  const called = await client.responses.create({
    model: model.script(callsFunctions({ name: `mcp_tools__${adds}`, args: '{"a":2,"b":3}' }), says('5')),
    input: 'What is 2 + 3?',
    tools: [{ type: 'mcp', server_label: 'tools' }],
  });
  const call = called.output.find((item) => item.type === 'mcp_call');
  assert.ok(call?.output?.includes(sum), JSON.stringify(called.output));
  const page = await fetch(`${origin}/v1/models`, { headers: { origin: 'https://elsewhere.example' } });
  assert.equal(page.status, 403);
  assert.equal(await stop(), 0);
}

test('deno: the handler on Deno.serve', (t) => tryRuntime(t, 'deno'));
test('bun: the handler on Bun.serve', (t) => tryRuntime(t, 'bun'));

test('envoy: the processor beside an Envoy with the configuration that the package has', async (t) => {
  const folder = await installExample(packed, 'envoy');
  await compileExample(folder, { types: ['node'] });
  const [grpc, http, envoyPort] = [await freePort(), await freePort(), await freePort()];
  const { stop } = await startExample(t, folder, NODE, http, { ...env(), GRPC_PORT: `${grpc}` });
  const shipped = await readFile(join(folder, 'node_modules/antiphon/dist/envoy/envoy.yaml'), 'utf8');
  const ports: Record<string, number> = { 10000: envoyPort, 50051: grpc, 8080: http };
  const file = join(folder, 'envoy.yaml');
  await writeFile(
    file,
    shipped.replace(/(?<=^[^#\n]*port_value: )\d+/gm, (port) => `${ports[port] ?? assert.fail(port)}`),
  );
  const envoy = launch((await findEnvoy()).path, ['-c', file, '--disable-hot-restart', '--log-level', 'warning']);
  t.after(() => envoy.stop());
  const origin = `http://127.0.0.1:${envoyPort}`;
  while (
    !(await fetch(`${origin}/livez`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await sleep(50);
  await answers(clientOf(origin));
  assert.equal(await stop(), 0);
});
