import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { configureLog, parseConfig } from '../../handler/index.ts';
import { create } from '../promises/ask.ts';
import { callOf } from '../promises/mcp-ask.ts';
import { until } from '../promises/state-ask.ts';
import { type Door, post, testConfigFile } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { callsFunctions, says, startScriptedModel } from '../support/model/scripted.ts';

const PROGRAM = fileURLToPath(new URL('../support/mcp-program.mjs', import.meta.url));
const node = process.execPath;

/** A door whose configuration has programs. */
async function open(t: TestContext, limits: object = {}): Promise<Door> {
  const programs = [
    { label: 'program', command: [node, PROGRAM], env: { OWN: 'mine' }, requireApproval: 'never' },
    { label: 'strict', command: [node, PROGRAM, 'strict'], requireApproval: 'never' },
    { label: 'missing', command: ['/there/is/no/such/program'], requireApproval: 'never' },
    { label: 'no-server', command: [node, '-e', 'process.exit(0)'], requireApproval: 'never' },
    { label: 'silent', command: [node, '-e', 'setInterval(() => {}, 1000)'], requireApproval: 'never' },
    { label: 'echo', command: ['cat'], requireApproval: 'never' },
  ];
  const model = await startScriptedModel();
  const file = testConfigFile(model);
  const config = parseConfig({ ...file, limits: { ...file.limits, ...limits }, mcp: programs });
  const door = await openInProcess({ config });
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    await door.close();
    await model.close();
  };
  t.after(close);
  return { ...door, model, close };
}

/** Has a tool of a program called; gives its call. */
async function call(door: Door, label: string, name: string) {
  const model = door.model.script(callsFunctions(callOf({ label }, { name, args: {} })), says('ok'));
  const { output } = await create(door, { model, tools: [{ type: 'mcp', server_label: label }] });
  const found = output.find((item) => item.type === 'mcp_call');
  return found ?? assert.fail('a call');
}

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('a program of the configuration runs for all turns, with the environment that it is given', async (t) => {
  process.env.NOT_ITS_OWN = 'a secret of the environment';
  const door = await open(t);
  const env = JSON.parse((await call(door, 'program', 'env')).output ?? '');
  assert.deepEqual(Object.keys(env).sort(), ['OWN', 'PATH']);
  const pids = await Promise.all([1, 2, 3].map(async () => (await call(door, 'program', 'pid')).output));
  assert.equal(new Set(pids).size, 1);
  assert.ok(isRunning(Number(pids[0])));
});

test('one that ends is started again, and the call that it ended in fails', async (t) => {
  const door = await open(t);
  const { output: before } = await call(door, 'program', 'pid');
  const died = await call(door, 'program', 'die');
  assert.equal(died.status, 'failed');
  const { output: after } = await call(door, 'program', 'pid');
  assert.notEqual(after, before);
});

test('one that says what would take long to parse is ended', async (t) => {
  const door = await open(t);
  const { output: before } = await call(door, 'program', 'pid');
  assert.equal((await call(door, 'program', 'many')).status, 'failed');
  assert.notEqual((await call(door, 'program', 'pid')).output, before);
});

test('it ends with the server, and while it hangs the turn goes on', async (t) => {
  const door = await open(t);
  const { output: pid } = await call(door, 'program', 'pid');
  const hung = await call(door, 'program', 'hang');
  assert.equal(hung.status, 'failed');
  assert.partialDeepStrictEqual(hung.error, { code: 504 });
  assert.equal((await call(door, 'program', 'pid')).output, pid, 'others use it all the same');
  await door.close();
  await until(() => !isRunning(Number(pid)));
});

test('one of the older protocol alone is spoken to in it', async (t) => {
  const door = await open(t);
  assert.match((await call(door, 'strict', 'pid')).output ?? '', /^\d+$/);
});

test('one that is not there, or speaks no MCP, is a 424, and its path is the log’s', async (t) => {
  const lines: string[] = [];
  configureLog('warn', (line) => lines.push(line));
  const door = await open(t);
  for (const label of ['missing', 'no-server']) {
    const model = door.model.script(says('never'));
    const reply = await post(door, { model, input: 'Hi', tools: [{ type: 'mcp', server_label: label }] });
    const text = await reply.text();
    assert.equal(reply.status, 424, text);
    assert.ok(!text.includes('/there/is'));
    if (label === 'missing') assert.match(text, /The program of the server could not be started\./);
  }
});

test('one that says nothing, or only what it hears, is a 424 when the time to start is over', async (t) => {
  const door = await open(t, { tool: '1m', turn: '2m' });
  const asked = ['silent', 'echo'].map(async (server_label) => {
    const model = door.model.script(says('never'));
    const reply = await post(door, { model, input: 'Hi', tools: [{ type: 'mcp', server_label }] });
    return { status: reply.status, text: await reply.text() };
  });
  const [silent, echo] = await Promise.all(asked);
  for (const reply of [silent, echo]) assert.equal(reply?.status, 424, reply?.text);
  assert.match(silent?.text ?? '', /The server did not answer in time\./);
});
