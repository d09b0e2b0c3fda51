import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { startEnvoy } from '../../envoy/run.ts';
import { serveGrpc } from '../../shim/server.ts';
import { openEnvoy } from '../support/doors/envoy.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort, UNREACHABLE } from '../support/ports.ts';

/** Much that can go wrong here is something that never comes. */
const LIMIT = { timeout: 20_000 };

/** A short text as a client's frame: masked, with a key of zeros. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 0xff, 0, 0, 0, 0]), payload]);
}

for (const mode of ['streamed', 'buffered', 'original'] as const) {
  test(`a WebSocket over HTTP/2 is an extended CONNECT (${mode})`, LIMIT, async (t) => {
    const door = await openEnvoy(mode);
    t.after(door.close);
    const session = connect(new URL(door.client.baseURL).origin);
    t.after(() => session.destroy());
    await once(session, 'remoteSettings');
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/v1/responses',
      'sec-websocket-version': '13',
    });
    const [headers] = await once(stream, 'response');
    assert.equal(headers[':status'], 200);
    const model = door.model.script(says('Hello'));
    stream.write(frame(JSON.stringify({ type: 'response.create', model, input: 'x'.repeat(200) })));
    let got = '';
    while (!got.includes('"type":"response.completed"')) got += (await once(stream, 'data'))[0];
    assert.match(got, /"text":"Hello"/);
    stream.close();
  });
}

test('without the route to the HTTP listener a WebSocket is 426, and an unreachable listener 503', LIMIT, async (t) => {
  const model = await startScriptedModel();
  t.after(model.close);
  const { fetch } = await testHandler(model);
  const limits = { body: 1024, reply: 1024, time: 10_000 };
  const shim = await serveGrpc({ address: `127.0.0.1:${await freePort()}`, fetch, limits, log: () => {} });
  t.after(shim.close);
  for (const [httpPort, status] of [
    [undefined, 426],
    [UNREACHABLE, 503],
  ] as const) {
    const envoy = await startEnvoy({ mode: 'streamed', grpcPort: shim.port, httpPort, envoyPort: await freePort() });
    t.after(envoy.stop);
    const client = new WebSocket(`${envoy.origin.replace('http', 'ws')}/v1/responses`);
    client.on('error', () => {});
    const [, reply] = await once(client, 'unexpected-response');
    assert.equal(reply.statusCode, status);
  }
});
