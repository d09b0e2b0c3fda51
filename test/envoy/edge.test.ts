import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { test } from 'node:test';
import { until } from '../promises/state-ask.ts';
import { startAltered } from './altered.ts';
import { ask } from './shim-client.ts';
import { CallLog, handler } from './shim-handler.ts';

const same = (_: string, value: unknown) => value;

/** Asks over HTTP/1 with this request target; the reply's head and body in one. */
async function raw(port: number, target: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    Buffer.from(`POST ${target} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`, 'latin1'),
  );
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'close');
  return text;
}

/** Paths that mean another, or may. */
const odd = [
  ...['/v1/x/../conversations', '/v1/x/%2e%2E/conversations', '/v1/./x', '/..', '/v1/%2e', '/v1//x', '//v1/x'],
  ...['/v1/%63onversations', '/%76%31/x', '/v1\\x', '/v1/x\\..\\y', '/v1/a%2Fb', '/v1/a%5cb', '/v1/x%00', '/v1/x#y'],
  ...[
    '/v1/con\tversations',
    '/v1/x y',
    '/v1/caf\xe9',
    '/v1/{x}',
    '/v1/"x"',
    '/v1/%zz',
    '/v1/x?y#z',
    'http://b/v1/x/../y',
  ],
];

for (const mode of ['streamed', 'buffered', 'original'] as const) {
  test(`Antiphon sees the path on which Envoy's rules decide, or none (${mode})`, async (t) => {
    const seen: string[] = [];
    const lines: string[] = [];
    const fetch = (request: Request) => {
      seen.push(new URL(request.url).pathname);
      return new Response('seen');
    };
    const port = await startAltered(t, mode, fetch, same, (line) => lines.push(line));
    let asked = 0;
    for (const path of odd) {
      const reply = await raw(port, path);
      const [mine] = seen.splice(0);
      await until(() => lines.length > asked);
      const { path: theirs, status } = JSON.parse(lines[asked++] ?? '');
      if (status === 200) assert.equal(mine, theirs.replace(/\?.*/, ''), path);
      else {
        assert.equal(status, 400, path);
        assert.equal(mine, undefined, path);
        if (reply.includes('HTTP/1.1 400')) assert.match(reply, /"type":"invalid_request_error"|^[^{]*$/, path);
      }
      if (/%2F|%5c|%00|#|\t/.test(path)) assert.equal(status, 400, path);
      if (/conversations/.test(path) && status === 200) assert.equal(mine, '/v1/conversations');
    }
  });

  test(`receiving a request has a limit, answering it has none (${mode})`, async (t) => {
    const port = await startAltered(t, mode, handler(new CallLog()), (name, value) =>
      name === 'request_timeout' ? '1s' : value,
    );
    const origin = `http://127.0.0.1:${port}`;
    const [slow, live] = await Promise.all([
      ask(`${origin}/slow?ms=3000`, { body: '{}' }),
      ask(`${origin}/live?n=6&gap=500`, { body: '{}' }),
    ]);
    assert.equal(slow.status, 200);
    assert.equal(live.body.match(/data/g)?.length, 6);
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.write('POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{');
    let reply = '';
    socket.on('data', (chunk) => {
      reply += chunk;
    });
    await until(() => /^HTTP\/1\.1 408 [\s\S]*request_overall_timeout/.test(reply));
  });

  test(`an HTTP/2 connection has 100 streams, and names with underscores are allowed (${mode})`, async (t) => {
    const port = await startAltered(t, mode, ({ headers }) => new Response(headers.get('x_team')), same);
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    t.after(() => session.destroy());
    const [{ maxConcurrentStreams, initialWindowSize }] = await once(session, 'remoteSettings');
    assert.equal(maxConcurrentStreams, 100);
    assert.equal(initialWindowSize, mode === 'buffered' ? 34_603_008 : 65_536);
    const reply = await ask(`http://127.0.0.1:${port}/`, { body: '{}', headers: { x_team: 'blue' } });
    // The original mode hands over no headers, but does not refuse the request for one.
    assert.deepEqual([reply.status, reply.body], [200, mode === 'original' ? '' : 'blue']);
  });
}
