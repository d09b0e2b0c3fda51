import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { startEnvoy } from '../../envoy/run.ts';
import { freePort } from '../support/ports.ts';
import { startAltered } from './altered.ts';
import { ask } from './shim-client.ts';

/** A processor that closes every stream without an answer, and is healthy. */
async function silent(t: TestContext): Promise<number> {
  const server = createHttp2Server();
  server.on('stream', (stream, { ':path': path }) => {
    stream.on('error', () => {}).resume();
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.end(path?.includes('Health') ? Buffer.from('00000000020801', 'hex') : undefined); // { status: SERVING }
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => server.close());
  return port;
}

for (const mode of ['streamed', 'buffered', 'original'] as const) {
  test(`a stream that is closed without an answer is 503 in our JSON, and counted (${mode})`, async (t) => {
    const lines: string[] = [];
    const envoy = await startEnvoy({
      mode,
      grpcPort: await silent(t),
      envoyPort: await freePort(),
      accessLog: (line) => lines.push(line),
    });
    t.after(envoy.stop);
    const reply = await fetch(`${envoy.origin}/v1/responses`, { method: 'POST', body: '{}' });
    assert.equal(reply.status, 503);
    assert.equal(reply.headers.get('content-type'), 'application/json');
    const { error } = (await reply.json()) as { error: Record<string, unknown> };
    assert.match(String(error.message), /^the Responses API processor did not answer/);
    assert.deepEqual({ ...error, message: '' }, { message: '', type: 'server_error', code: 503, param: null });
    assert.match(await envoy.admin('/stats?filter=cluster.nowhere.upstream_cx_none_healthy'), /: 1\n/);
    await envoy.stop();
    assert.equal(JSON.parse(lines[0] ?? '{}').details, 'no_healthy_upstream');
  });

  test(`what an ext_authz filter says itself reaches the client as it is (${mode})`, async (t) => {
    const own = '{"error":{"message":"mine","type":"invalid_request_error","code":"not_you","param":null}}';
    const authz = createServer((_, reply) => reply.writeHead(403, { 'content-type': 'application/json' }).end(own));
    authz.listen(await freePort(), '127.0.0.1');
    await once(authz, 'listening');
    t.after(() => authz.close());
    const address = authz.address();
    assert(address !== null && typeof address === 'object');

    const envoyPort = await startAltered(
      t,
      mode,
      () => assert.fail('never asked'),
      (key, value) => {
        if (key === 'http_filters') return [extAuthz, ...(value as object[])]; // so it is in our files
        return key === 'clusters' ? [...(value as object[]), cluster(address.port)] : value;
      },
    );
    const reply = await ask(`http://127.0.0.1:${envoyPort}/v1/responses`, { body: '{}' });
    assert.deepEqual([reply.status, reply.body], [403, own]);
  });
}

const extAuthz = {
  name: 'envoy.filters.http.ext_authz',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
    transport_api_version: 'V3',
    http_service: { server_uri: { uri: 'http://authz', cluster: 'authz', timeout: '5s' } },
  },
};

function cluster(port_value: number) {
  const address = { socket_address: { address: '127.0.0.1', port_value } };
  const load_assignment = { cluster_name: 'authz', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
  return { name: 'authz', type: 'STATIC', connect_timeout: '1s', load_assignment };
}
