import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../handler/index.ts';
import { listenersOf } from '../shim/listeners.ts';

const files = { cert: 'c.pem', key: 'k.pem' };
const listeners = (config: object, flags: object = {}) =>
  listenersOf(parseConfig(config), { noEnvoy: false, ...flags });

test('listeners have their defaults, the configuration says more than they, and the command line most', async () => {
  const defaults = {
    grpc: '127.0.0.1:50051',
    http: '127.0.0.1:8080',
    envoy: '127.0.0.1:10000',
    admin: '127.0.0.1:9464',
  };
  assert.deepEqual(await listeners({}), defaults);
  const listen = { grpc: 'unix:/run/a.sock', http: '[::1]:1', envoy: 'off', admin: 'off' };
  assert.deepEqual(await listeners({ listen }), listen);
  assert.deepEqual(await listeners({ listen }, { httpPort: 2, envoyPort: 3, adminPort: 4 }), {
    ...listen,
    http: '[::1]:2',
    envoy: '127.0.0.1:3',
    admin: '127.0.0.1:4',
  });
  assert.equal((await listeners({}, { noEnvoy: true, envoyPort: 3 })).envoy, 'off');
  assert.equal((await listeners({ listen: { http: 'unix:a:1' } })).http, 'unix:a:1');
});

const open =
  /beyond the loopback, and nothing there asks who is calling: say in `auth` who may call, or write "auth: none"/;
const byEnvoy = [{ envoy: { headers: { user: 'x-user' } } }];
const byCertificate = [{ keys: [] }, { envoy: { certificate: {} } }];
const proof = { value: 'v'.repeat(16) };
const wrong: [config: object, flags: object, said: RegExp][] = [
  [
    { listen: { grpc: 'unix:/run/a.sock' } },
    { port: 1 },
    /^Error: flag -port: listen\.grpc is unix:\/run\/a\.sock, which/,
  ],
  [{ listen: { http: 'unix:/run/a.sock' } }, { httpPort: 1 }, /^Error: flag -http-port: listen\.http is unix:/],
  [{ listen: { admin: 'unix:/run/a.sock' } }, { adminPort: 1 }, /^Error: flag -admin-port: listen\.admin is unix:/],
  [{ listen: { grpc: 'off', http: 'off', envoy: 'off' } }, {}, /nothing would take requests/],
  [{ listen: { grpc: 'off', http: 'off' } }, { noEnvoy: true }, /nothing would take requests/],
  [{ tls: { grpc: files }, listen: { grpc: 'unix:a' } }, {}, /tls\.grpc needs listen\.grpc to be HOST:PORT/],
  [{ tls: { http: files }, listen: { http: 'off' } }, {}, /tls\.http needs listen\.http to be HOST:PORT/],
  [{ listen: { grpc: '0.0.0.0:1' } }, {}, /^Error: configuration: listen\.grpc is 0\.0\.0\.0:1.*tls\.grpc\.clientCa/],
  [{ listen: { http: '[::]:1' } }, {}, open],
  [{ listen: { http: '10.1.2.3:1' } }, { httpPort: 5 }, /listen\.http is 10\.1\.2\.3:5/],
  [{ listen: { envoy: '0.0.0.0:1' } }, {}, /^Error: configuration: listen\.envoy is(?!.*clientCa)/],
  [
    { auth: byEnvoy },
    {},
    /^Error: configuration: auth\.0\.envoy believes .* \(listen\.grpc and listen\.http\).*`proof`/,
  ],
  [{ auth: byEnvoy, listen: { grpc: 'off', http: 'off' }, proof }, {}, /auth\.0\.envoy believes/],
  [{ auth: byEnvoy, tls: { grpc: files, http: files } }, {}, /auth\.0\.envoy believes/],
  [{ auth: byCertificate, listen: { http: 'unix:/run/a.sock' } }, {}, /auth\.1\.envoy believes .* \(listen\.grpc\): /],
  [{ listen: { http: '0.0.0.0:1' }, tls: { http: files } }, {}, open],
  [{ listen: { http: '0.0.0.0:1' }, tls: { grpc: { ...files, clientCa: 'a.pem' } } }, {}, open],
];
for (const [config, flags, said] of wrong) {
  test(`${JSON.stringify(config)} ${JSON.stringify(flags)} is refused`, async () => {
    await assert.rejects(listeners(config, flags), said);
  });
}

test('beyond the loopback is what is told that nothing asks who calls, or what asks for certificates', async () => {
  const everywhere = { grpc: '0.0.0.0:1', http: '[::]:2', envoy: '0.0.0.0:3', admin: '0.0.0.0:4' };
  assert.deepEqual(await listeners({ listen: everywhere, auth: 'none' }), everywhere);
  const asks = { ...files, clientCa: 'a.pem' };
  const listen = { grpc: '0.0.0.0:1', http: '0.0.0.0:2', envoy: 'off', admin: '0.0.0.0:4' };
  assert.deepEqual(await listeners({ listen, tls: { grpc: asks, http: asks } }), listen);
  const own = { grpc: 'localhost:1', http: '127.9.9.9:2', envoy: '[::1]:3', admin: 'off' };
  assert.deepEqual(await listeners({ listen: own }), own);
});

test('an Envoy whose word counts for who calls has one way to show that it is ours', async () => {
  const asks = { ...files, clientCa: 'a.pem' };
  for (const auth of [byEnvoy, byCertificate]) {
    for (const way of [{ listen: { grpc: 'unix:/run/a.sock' } }, { tls: { grpc: asks } }, { proof }])
      await listeners({ auth, ...way });
  }
  for (const way of [{ listen: { http: 'unix:/run/a.sock' } }, { tls: { http: asks } }])
    await listeners({ auth: byEnvoy, ...way });
});
