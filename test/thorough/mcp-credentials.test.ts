import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configureLog } from '../../handler/index.ts';
import { statementsOf } from '../../handler/state/database/batch.ts';
import { create } from '../promises/ask.ts';
import { add, callOf, entryFor } from '../promises/mcp-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { post } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { gives, RpcError } from '../support/mcp-server.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { processes, takenOver } from '../support/processes.ts';

const TOKEN = 'a-token-that-nobody-keeps';
const HEADER = 'a-header-that-nobody-keeps';
const PATH = 'a-path-that-nobody-keeps';

/** An entry whose credentials are in all the places that there are. */
function secretEntry(server: Parameters<typeof entryFor>[0]) {
  const headers = { 'x-api-key': HEADER };
  return entryFor(
    { ...server, label: server.label, url: `${server.url}?key=${PATH}` },
    { authorization: TOKEN, headers },
  );
}

test('no statement of a turn in the background has a credential of its tools, and no line of the log', async (t) => {
  const lines: string[] = [];
  configureLog('debug', (line) => lines.push(line));
  const database = await testDatabase();
  const written: string[] = [];
  const batch: typeof database.batch = (statements) => {
    for (const { text, values } of statementsOf(statements)) written.push(`${text} ${JSON.stringify(values)}`);
    return database.batch(statements);
  };
  const door = await openInProcess({ database: { ...database, batch } });
  t.after(async () => {
    await door.close();
    await database.close();
  });
  const repeats = { ...add, run: (_: unknown, { headers }: { headers: object }) => gives(JSON.stringify(headers)) };
  const server = door.model.mcp.serve([repeats], { token: TOKEN });
  const model = door.model.script(callsFunctions(callOf(server)), says('ok'));
  for (const more of [{ background: true }, {}, { stream: true }]) {
    await (await post(door, { model, input: 'Hi', tools: [secretEntry(server)], ...more })).text();
    await door.drain(2_000);
  }
  for (const script of [{ status: 500 }, { token: 'another' }, { hangs: true }])
    await (await post(door, { model, input: 'Hi', tools: [secretEntry(door.model.mcp.serve([add], script))] })).text();
  const all = [...written, ...lines].join('\n');
  assert.ok(all.includes('INSERT INTO jobs') && all.includes('sealed_credentials'));
  assert.ok(server.of('tools/call').length > 0);
  for (const word of [TOKEN, HEADER, PATH]) assert.equal(all.includes(word), false, word);
});

test('a turn that another process goes on with has the credentials of its tools', async (t) => {
  const { first, second, dieAfter } = await processes(t);
  dieAfter(/^UPDATE jobs SET progress = .*calling = 0/);
  const server = first.model.mcp.serve([add], { token: TOKEN });
  const again = { ...callOf(server), id: 'c2' };
  const model = first.model.script(callsFunctions(callOf(server)), callsFunctions(again), says('5'));
  const { id } = await create(first, { background: true, input: 'Hi', model, tools: [secretEntry(server)] });
  const { status, output } = await takenOver(second, id);
  assert.equal(status, 'completed');
  const types = output.map(({ type }) => type);
  assert.deepEqual(types, ['mcp_list_tools', 'mcp_call', 'mcp_call', 'message']);
  assert.deepEqual(
    server.of('tools/call').map(({ headers }) => [headers.authorization, headers['x-api-key']]),
    [1, 2].map(() => [`Bearer ${TOKEN}`, HEADER]),
  );
});

test('a credential that a server repeats is told to nobody, wherever it is cut or quoted', async (t) => {
  const door = await openInProcess();
  t.after(() => door.close());
  const token = 'a-"token"-that-nobody-keeps';
  const text = (before: string, after = '') => ({ type: 'text', text: `${before}${token}${after}` });
  const given: (() => ReturnType<typeof gives>)[] = [
    () => ({ content: [text(''), { type: 'resource', resource: { uri: 'a:b', text: token } }] }),
    () => ({ content: [text('x'.repeat(10_915), 'y'.repeat(90_000))], isError: true }),
    () => {
      throw new RpcError(-32_000, `${'x'.repeat(490)}${token}`);
    },
  ];
  for (const run of given) {
    const server = door.model.mcp.serve([{ name: 'add', description: `Adds with ${token}.`, run }], { token });
    const model = door.model.script(callsFunctions(callOf(server)), says('ok'));
    const response = await create(door, { model, tools: [entryFor(server, { authorization: token })] });
    assert.equal(server.of('tools/call').length, 1);
    const asked = door.model.calls(model).map(({ body }) => body);
    assert.doesNotMatch(JSON.stringify([response, asked]), /a-\\*"token|nobody-keeps|xa-/);
  }
});
