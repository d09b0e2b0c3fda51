import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../handler/index.ts';
import { create } from './promises/ask.ts';
import { add, callOf, entryFor } from './promises/mcp-ask.ts';
import { until } from './promises/state-ask.ts';
import { testConfigFile } from './support/doors/door.ts';
import { openInProcess } from './support/doors/in-process.ts';
import { Broken, gives, HttpReply, type McpScript, type McpToolScript } from './support/mcp-server.ts';
import { callsFunctions, says, startScriptedModel } from './support/model/scripted.ts';

const error = (id: unknown, message: string, code = -32_000) =>
  JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });

/** Replies to a call, and whether it is made again: a server has not done what it refused before it read it. */
const replies: [what: string, status: number, body: string, again: boolean, era?: McpScript['era']][] = [
  ['404 with an error of no request', 404, error(null, 'Session not found', -32_001), true],
  ['404 of the package of PyPI', 404, error('server-error', 'Session not found', -32_600), true],
  ['404 with a text', 404, 'Unknown session', true],
  ['404 without a body', 404, '', true],
  ['404 that answers the call', 404, error('$id', 'The session with your dentist was not found'), false],
  ['404 where there is no session', 404, 'Unknown session', false, '2026'],
  ['400 of server-everything', 400, error(null, 'Bad Request: No valid session ID provided'), true],
  ['400 of the package of PyPI', 400, error('server-error', 'Bad Request: Missing session ID', -32_600), true],
  ['400 of the package of npm', 400, error(null, 'Bad Request: Server not initialized'), true],
  ['400 that answers the call', 400, error('$id', 'The session with your dentist is over'), false],
  ['400 with the text of a tool', 400, 'The session with your dentist is over', false],
  ['400 with JSON of its own', 400, '{"error":{"message":"no session"},"id":null}', false],
  ['400 of no request about something else', 400, error(null, 'Sessions cost money: pay', -32_600), false],
  ['500 of no request', 500, error(null, 'Session not found'), false],
  ['409 of no request', 409, error(null, 'Session not found'), false],
];

for (const [what, status, body, again, era = '2025'] of replies) {
  test(`a call that is answered by ${what} is ${again ? '' : 'not '}made again`, async (t) => {
    const door = await openInProcess();
    t.after(() => door.close());
    let runs = 0;
    const once: McpToolScript = {
      name: 'add',
      run: () => {
        if (runs++ === 0) throw new HttpReply(status, body);
        return gives('5');
      },
    };
    const server = door.model.mcp.serve([once], { era });
    const model = door.model.script(callsFunctions(callOf(server)), says('ok'));
    const { status: ended, output } = await create(door, { model, tools: [entryFor(server)] });
    assert.equal(ended, 'completed');
    assert.partialDeepStrictEqual(output[1], { type: 'mcp_call', status: again ? 'completed' : 'failed' });
    assert.equal(runs, again ? 2 : 1);
    // The session that was lost is ended as well: the server may be wrong.
    await until(() => server.sessions.size === 0);
  });
}

for (const [before, now] of [
  ['2026', '2025'],
  ['2025', '2026'],
  ['sse', '2025'],
  ['2025', 'sse'],
] as const) {
  test(`a server that speaks ${now} in place of ${before} is begun with anew`, async (t) => {
    const door = await openInProcess();
    t.after(() => door.close());
    const server = door.model.mcp.serve([add], { era: before });
    const ask = () => {
      const model = door.model.script(callsFunctions(callOf(server)), says('5'));
      return create(door, { model, tools: [entryFor(server)] });
    };
    await ask();
    server.script.era = now;
    assert.partialDeepStrictEqual((await ask()).output[1], { type: 'mcp_call', output: '5', status: 'completed' });
    await until(() => server.sessions.size === 0);
  });
}

test('a server over SSE that wants another token says so', async (t) => {
  const door = await openInProcess();
  t.after(() => door.close());
  const server = door.model.mcp.serve([add], { era: 'sse' });
  const tools = [entryFor(server)];
  await create(door, { model: door.model.script(says('ok')), tools });
  server.script.token = 'another';
  const model = door.model.script(callsFunctions(callOf(server)), says('So be it.'));
  const error = { type: 'http_error', code: 401, message: 'The server does not take the credentials.' };
  assert.partialDeepStrictEqual((await create(door, { model, tools })).output[1], { type: 'mcp_call', error });
});

test('a server over SSE whose stream has ended between two calls is connected to again, one whose ends during a call fails it', async (t) => {
  const door = await openInProcess();
  t.after(() => door.close());
  let runs = 0;
  const tool: McpToolScript = {
    name: 'add',
    async run({ cuts }) {
      runs++;
      if (cuts) server.endStreams();
      return cuts ? new Promise(() => {}) : gives('5');
    },
  };
  const server = door.model.mcp.serve([tool], { era: 'sse' });
  const model = door.model.script(
    callsFunctions(callOf(server)),
    async (turn) => {
      server.endStreams();
      await until(() => server.sessions.size === 0);
      await callsFunctions(callOf(server, { id: 'c2' }))(turn);
    },
    callsFunctions(callOf(server, { id: 'c3', args: { cuts: true } })),
    callsFunctions(callOf(server, { id: 'c4' })),
    says('ok'),
  );
  const { output } = await create(door, { model, tools: [entryFor(server)] });
  const calls = output.filter((item) => item.type === 'mcp_call');
  assert.deepEqual(
    calls.map(({ status }) => status),
    ['completed', 'completed', 'failed', 'completed'],
  );
  assert.deepEqual(calls[2]?.error, {
    type: 'http_error',
    code: 502,
    message: 'The connection to the server broke off.',
  });
  assert.deepEqual([runs, server.begun], [4, 3]);
  await until(() => server.sessions.size === 0);
});

for (const era of ['2025', '2026'] as const) {
  for (const [what, broken] of [
    ['breaks', new Broken()],
    ['ends', new HttpReply(200, '')],
  ] as const) {
    test(`a call of a server of ${era} whose reply ${what} before its result fails then, and not when its time is over`, async (t) => {
      const model = await startScriptedModel();
      t.after(() => model.close());
      const file = testConfigFile(model);
      const door = await openInProcess({ config: parseConfig({ ...file, limits: { ...file.limits, tool: '10m' } }) });
      t.after(() => door.close());
      let runs = 0;
      const tool: McpToolScript = {
        name: 'add',
        async run() {
          if (runs++ !== 1) return gives('5');
          await new Promise((resolve) => setTimeout(resolve, 50)); // its head is on its way
          throw broken;
        },
      };
      const server = model.mcp.serve([tool], { era, streams: true });
      const calls = ['c1', 'c2', 'c3'].map((id) => callsFunctions(callOf(server, { id })));
      const { output } = await create(door, { model: model.script(...calls, says('ok')), tools: [entryFor(server)] });
      const [first, second, third] = output.filter((item) => item.type === 'mcp_call');
      assert.deepEqual([first?.output, third?.output], ['5', '5']);
      const error = { type: 'http_error', code: 502, message: 'The reply ended without a result.' };
      assert.partialDeepStrictEqual(second, { status: 'failed', error });
      assert.equal(runs, 3);
    });
  }
}
