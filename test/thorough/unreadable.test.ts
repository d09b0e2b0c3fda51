import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { configureLog } from '../../handler/index.ts';
import { serveHttp } from '../../shim/http.ts';
import type { Running } from '../../shim/running.ts';
import { until } from '../promises/state-ask.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';

const LIMIT = { timeout: 20_000 };

let model: ScriptedModel;
let server: Running;
let stop: () => Promise<void>;
before(async () => {
  model = await startScriptedModel();
  const handler = await testHandler(model);
  server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch: handler.fetch, log: () => {} });
  stop = handler.close;
});
after(async () => {
  await server.close();
  await stop();
  await model.close();
});

/** Sends bytes as they are, and reads until the server closes the connection. */
async function say(...parts: string[]): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  for (const part of parts) socket.write(part);
  return text(socket);
}

const POST = 'POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n';
const SOCKET = 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n';

describe('what Node itself refuses has our error body', () => {
  const cases: [string, number, string][] = [
    ['no HTTP at all', 400, 'hello\r\n\r\n'],
    ['a header without a name', 400, 'GET / HTTP/1.1\r\nhost: localhost\r\n: x\r\n\r\n'],
    ['two lengths of the body', 400, `${POST}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`],
    ['a chunk without a size', 400, `${POST}transfer-encoding: chunked\r\n\r\nnone\r\n`],
    ['no host', 400, 'GET /health HTTP/1.1\r\nconnection: close\r\n\r\n'],
    ['a strange host', 400, 'GET /health HTTP/1.1\r\nhost: a/b\r\nconnection: close\r\n\r\n'],
    ['large headers', 431, `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(70_000)}\r\n\r\n`],
    ['large chunk extensions', 413, `${POST}transfer-encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n`],
    ['an expectation', 417, `${POST}expect: 200-ok\r\ncontent-length: 2\r\n\r\n{}`],
    [
      'a WebSocket with a wrong key',
      400,
      `GET /v1/responses HTTP/1.1\r\nhost: localhost\r\n${SOCKET}sec-websocket-key: x\r\n\r\n`,
    ],
    [
      'a WebSocket with a wrong protocol',
      400,
      `GET /v1/responses HTTP/1.1\r\nhost: localhost\r\n${SOCKET}sec-websocket-key: ${'A'.repeat(22)}==\r\nsec-websocket-protocol: ,\r\n\r\n`,
    ],
  ];
  for (const [what, status, sent] of cases) {
    test(`${what} is ${status}`, LIMIT, async () => {
      const reply = await say(sent);
      const [head = '', body = ''] = reply.split('\r\n\r\n');
      assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
      assert.match(head, /^content-type: application\/json$/im);
      assert.match(head, /^x-should-retry: false$/im);
      const { error } = JSON.parse(body);
      assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
      assert.equal(error.type, 'invalid_request_error');
    });
  }
});

test(
  'what cannot be read behind a reply that has begun ends the connection, and nothing is written into the reply',
  LIMIT,
  async () => {
    const speaking = model.script(async (turn) => {
      await turn.text('Hel');
      await turn.closed;
    });
    const body = JSON.stringify({ model: speaking, input: 'Hi', stream: true });
    const socket = connect(server.port, '127.0.0.1');
    let got = '';
    socket.setEncoding('utf8').on('data', (part) => {
      got += part;
    });
    socket.write(`${POST}content-length: ${body.length}\r\n\r\n${body}`);
    await until(() => got.includes('"delta":"Hel"'));
    socket.write('no HTTP at all\r\n\r\n');
    await once(socket, 'close');
    assert.doesNotMatch(got, /HTTP\/1.1 400/);
  },
);

test('who leaves in the middle of an upload is 499 in the log, and no error', LIMIT, async () => {
  const lines: string[] = [];
  configureLog('info', (line) => lines.push(line));
  for (const framing of ['content-length: 1000', 'content-length: 300000', 'transfer-encoding: chunked']) {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`${POST}${framing}\r\n\r\n5\r\n{"mod\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await until(() => lines.length > 0);
    const { level, status, message } = JSON.parse(lines.shift() ?? '');
    assert.deepEqual([level, status, message], ['INFO', 499, 'request']);
  }
  assert.deepEqual(lines, []);
});

test('a server that was sent all of these still serves', async () => {
  const body = JSON.stringify({ model: model.script(says('Hello')), input: 'Hi' });
  assert.match(await say(`${POST}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`), /"Hello"/);
});
