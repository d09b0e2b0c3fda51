import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { createWorker } from '../../handler/worker/create.ts';
import { keys } from '../../shim/keys.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { startWorker } from '../support/doors/workerd.ts';
import { newFolder } from '../support/folder.ts';
import { type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { openSocket } from '../support/socket.ts';

const ROOT = join(import.meta.dirname, '../..');

let model: ScriptedModel;
let origin: string;
const folder = newFolder();
const closers: (() => Promise<void>)[] = [];

/** Runs `keys`, and in D1 the command that it prints, by wrangler; gives the key that it made. */
async function run(line: string): Promise<string> {
  const printed: string[] = [];
  await keys([...line.split(' '), '-sql'], {}, { print: (text) => printed.push(text), say() {} });
  const lines = printed.join('\n').split('\n');
  const command = lines.pop() ?? '';
  assert.match(command, /^npx wrangler d1 execute DB --remote --command '/);
  const local = command
    .replace('npx wrangler', `${process.execPath} ${ROOT}/node_modules/wrangler/bin/wrangler.js`)
    .replace('--remote', `--local --persist-to ${folder}`);
  const env = {
    ...process.env,
    WRANGLER_HIDE_BANNER: 'true',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_WRITE_LOGS: 'false',
  };
  await promisify(execFile)('/bin/sh', ['-c', local], { cwd: ROOT, env });
  return lines.join('\n');
}

const clientOf = (apiKey: string) => new OpenAI({ baseURL: `${origin}/v1`, apiKey, maxRetries: 0 });

before(async () => {
  model = await startScriptedModel();
  closers.push(model.close);
  const value = JSON.stringify({ ...testConfigFile(model, []), auth: [{ keys: [] }] });
  const bindings = {
    ANTIPHON_CONFIG: { type: 'plain_text', value },
    LOG_LEVEL: { type: 'plain_text', value: 'error' },
  } as const;
  const entrypoint = join(ROOT, 'test/support/doors/worker-main.ts'); // the configuration has MCP servers
  const worker = await startWorker({ config: join(ROOT, 'wrangler.toml'), entrypoint, bindings }, folder);
  closers.unshift(() => worker.dispose());
  ({ origin } = await worker.url);
});

after(async () => {
  for (const close of closers) await close();
});

test('keys in D1, by the command that `keys -sql` prints: made, replaced, and revoked within seconds', async () => {
  assert.equal((await fetch(`${origin}/livez`)).status, 200); // makes the schema
  await assert.rejects(clientOf('unused').models.list(), { status: 401, code: 'invalid_api_key' });
  const key = await run(`create -tenant o'neil"$HOME\`\\é -scopes read,write,background`);
  const client = clientOf(key);
  const made = await client.responses.create({ model: model.script(says('Hello')), input: 'Hi' });
  assert.equal(made.output_text, 'Hello');
  let turn = await client.responses.create({ model: model.script(says('Later')), input: 'Hi', background: true });
  while (turn.status === 'queued' || turn.status === 'in_progress') turn = await client.responses.retrieve(turn.id);
  assert.equal(turn.output_text, 'Later');
  const socket = await openSocket({ client }, { authorization: `Bearer ${key}` });
  assert.equal((await socket.create({ model: model.script(says('Hi')), input: 'Hi' })).final.status, 'completed');

  const next = await run(`rotate ${key} -overlap 1h`);
  assert.equal((await clientOf(next).responses.retrieve(made.id)).output_text, 'Hello'); // of the same tenant
  assert.equal((await client.responses.retrieve(made.id)).output_text, 'Hello');
  await run(`revoke ${key}`);
  const isAccepted = () =>
    client.responses.retrieve(made.id).then(
      () => true,
      ({ status }) => status !== 401,
    );
  while (await isAccepted()) await new Promise((resolve) => setTimeout(resolve, 100));
  socket.send({ type: 'response.create', model: 'demo', input: 'Hi' });
  assert.equal((await socket.next()).error.code, 'invalid_api_key');
  socket.close();
  assert.equal((await clientOf(next).responses.retrieve(made.id)).output_text, 'Hello');
});

test('a Worker that does not say who may call refuses to, and its log says why', async (t) => {
  const lines: string[] = [];
  t.mock.method(console, 'log', (line: string) => lines.push(line));
  // It fails before it opens any of its bindings.
  const bindings = { ANTIPHON_CONFIG: '{}' } as unknown as Parameters<
    ReturnType<typeof createWorker>['worker']['fetch']
  >[1];
  const { worker } = createWorker();
  const reply = await worker.fetch(new Request('http://x/v1/models'), bindings, { waitUntil() {} });
  t.mock.restoreAll();
  assert.equal(reply.status, 500);
  assert.doesNotMatch(await reply.text(), /auth/);
  assert.match(lines.join(), /auth: anybody can reach a Worker: write none/);
});
