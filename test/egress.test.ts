import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { addressBytes, isPublic } from '../handler/egress/address.ts';
import { EgressError, type EgressReason, type EgressRules } from '../handler/egress/egress.ts';
import { fetchConnect, placesFor } from '../handler/egress/fetch-connect.ts';
import { openEgress } from '../handler/egress/open.ts';
import { createEgress, type FindAddresses } from '../shim/egress.ts';
import { type AskedRequest, type EgressServer, startServer } from './support/egress-server.ts';

const KiB = 1024;

/** An egress of a Node process with these permissions, for as long as a test. */
function egressOf(t: TestContext, allow: readonly string[] = [], find?: FindAddresses) {
  const { connect, close } = createEgress(find);
  t.after(close);
  const egress = openEgress(connect, allow);
  return (rules: Partial<EgressRules> = {}) => egress.open({ maxBytes: 64 * KiB, ...rules });
}

/** An egress over a runtime's own fetch. */
function egressOverFetch(allow: readonly string[] = []) {
  const egress = openEgress(fetchConnect(fetch), allow);
  return (rules: Partial<EgressRules> = {}) => egress.open({ maxBytes: 64 * KiB, ...rules });
}

/** Checks that something is an EgressError for a reason, whose message tells nothing of a network. */
function isRefused(reason: EgressReason) {
  return (error: unknown) => {
    assert.ok(error instanceof EgressError, String(error));
    assert.equal(error.reason, reason, `${error.message} ${error.cause}`);
    assert.doesNotMatch(error.message, /\d+\.\d+\.\d+|ENOTFOUND|ECONN|getaddrinfo|undici/);
    return true;
  };
}

/** Addresses of names, for names that no resolver knows. */
const namesOf =
  (names: Record<string, string[]>): FindAddresses =>
  (name, _options, told) => {
    const addresses = names[name] ?? [];
    if (addresses.length === 0) return told(new Error('ENOTFOUND'), []);
    told(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };

describe('addresses', () => {
  const publicOnes = [
    ...[
      '8.8.8.8',
      '1.1.1.1',
      '172.15.255.255',
      '172.32.0.1',
      '100.63.255.255',
      '100.128.0.1',
      '198.17.0.1',
      '223.255.255.255',
    ],
    ...['2606:4700::1111', '2a00:1450:4001::1', '::ffff:8.8.8.8', '64:ff9b::808:808', '2002:808:808::1', '2003::1'],
  ];
  const others = [
    ...[
      '0.0.0.0',
      '10.0.0.1',
      '100.64.0.1',
      '100.100.100.200',
      '127.0.0.1',
      '127.255.255.254',
      '169.254.169.254',
      '172.16.0.1',
    ],
    ...[
      '172.31.255.255',
      '192.0.0.192',
      '192.0.2.1',
      '192.88.99.1',
      '192.168.0.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
    ],
    ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '168.63.129.16'],
    ...[
      '::',
      '::1',
      '::ffff:127.0.0.1',
      '::ffff:a9fe:a9fe',
      '::127.0.0.1',
      '::ffff:0:127.0.0.1',
      '64:ff9b::7f00:1',
      '64:ff9b::a00:1',
    ],
    ...[
      '64:ff9b:1::a00:1',
      '100::1',
      '2001::1',
      '2001:0:7f00:1::',
      '2001:db8::1',
      '2001:10::1',
      '2002:7f00:1::',
      '2002:a00:1::',
    ],
    ...[
      '3fff::1',
      '4000::1',
      '5f00::1',
      'fc00::1',
      'fd00:ec2::254',
      'fd20:ce::254',
      'fe80::1',
      'fe80::1%eth0',
      'fec0::1',
      'ff02::1',
    ],
  ];
  for (const address of publicOnes)
    test(`${address} is public`, () => assert.ok(isPublic(addressBytes(address) ?? [])));
  for (const address of others) test(`${address} is not`, () => assert.ok(!isPublic(addressBytes(address) ?? [])));
  test('what is no address is none', () => {
    for (const text of [
      '',
      'a',
      '1.2.3',
      '1.2.3.4.5',
      '1.2.3.256',
      ':',
      ':::',
      '1::2::3',
      '[',
      '::1]/',
      'g::1',
      '1:2:3:4:5:6:7:8:9',
    ])
      assert.equal(addressBytes(text), undefined, text);
  });
});

/** URLs that must not be fetched, each with why. HOST is a server that is there, PORT its port. */
const bypasses: [url: string, reason: EgressReason][] = [
  ...[
    '',
    'x',
    '//a/b',
    'http://',
    'http://[::1',
    'http://a b/',
    'http://[fe80::1%25lo]:PORT/',
    'http://1.2.3.4.5:PORT/',
  ].map((url): [string, EgressReason] => [url, 'url']),
  ...[
    'ftp://8.8.8.8/',
    'file:///etc/passwd',
    'data:text/plain,a',
    'javascript:1',
    'blob:http://a/b',
    'gopher://8.8.8.8/',
    'ws://8.8.8.8/',
  ].map((url): [string, EgressReason] => [url, 'url']),
  ...[
    'http://user@example.com/',
    'http://user:secret@example.com/',
    'http://:secret@example.com/',
    'http://example.com@127.0.0.1:PORT/',
  ].map((url): [string, EgressReason] => [url, 'url']),
  ...['http://8.8.8.8:25/', 'http://8.8.8.8:6379/', 'https://example.com:22/'].map((url): [string, EgressReason] => [
    url,
    'url',
  ]),
  ...[
    ...[
      '127.0.0.1',
      '2130706433',
      '0x7f000001',
      '0x7f.1',
      '0177.0.0.1',
      '017700000001',
      '127.1',
      '127.0.1',
      '127.0.0.1.',
      '0',
    ],
    ...['127。0。0。1', '１２７.０.０.１', '①②⑦.0.0.1', '%31%32%37.0.0.1', '0x7f.0x0.0x0.0x1', '00000177.0.0.01'],
    ...[
      '[::1]',
      '[0:0:0:0:0:0:0:1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::127.0.0.1]',
      '[64:ff9b::127.0.0.1]',
    ],
    ...['[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2001:0:7f00:1::]', '[fe80::1]', '[fd00:ec2::254]'],
    ...[
      'localhost',
      'LOCALHOST',
      'localhost.',
      'a.localhost',
      'ｌｏｃａｌｈｏｓｔ',
      'loc%61lhost',
      'localhost.localdomain',
      'ip6-localhost',
    ],
    ...['router', 'metadata', 'metadata.google.internal', 'printer.local', 'nas.home.arpa', 'wiki.corp'],
    ...[
      '169.254.169.254',
      '2852039166',
      '100.100.100.200',
      '192.0.0.192',
      '168.63.129.16',
      '10.1.2.3',
      '192.168.1.1',
      '0.0.0.0',
    ],
  ].map((host): [string, EgressReason] => [`http://${host}:PORT/`, 'private']),
];

describe('what a URL must not lead to', () => {
  for (const [name, open] of [
    ['Node', egressOf],
    ['fetch', (_: TestContext) => egressOverFetch()],
  ] as const) {
    for (const [url, reason] of bypasses) {
      test(`${name}: ${url}`, async (t) => {
        const server = await startServer(t, (_, reply) => reply.end('secret'));
        const guarded = open(t)();
        await assert.rejects(guarded(url.replace('PORT', String(server.port))), isRefused(reason));
        assert.equal(server.asked.length, 0);
      });
    }
  }

  const names: Record<string, string[]> = {
    'private.example': ['127.0.0.1'],
    'mixed.example': ['93.184.216.34', '127.0.0.1'],
    'mixed6.example': ['2606:4700::1111', '::1'],
    'mapped.example': ['::ffff:127.0.0.1'],
    'translated.example': ['64:ff9b::7f00:1'],
    'zone.example': ['fe80::1%lo'],
    'nothing.example': ['not an address'],
    'none.example': [],
  };
  for (const name of Object.keys(names)) {
    test(`a name that leads there: ${name}`, async (t) => {
      const server = await startServer(t, (_, reply) => reply.end('secret'));
      const guarded = egressOf(t, [], namesOf(names))();
      const told = await guarded(`http://${name}:${server.port}/`).catch((error) => error);
      assert.ok(isRefused('private')(told));
      assert.equal(told.message, 'The host has no public address that this server may connect to.');
      assert.equal(server.asked.length, 0);
    });
  }

  test('a name that is another address the next time is checked as it is connected to', async (t) => {
    const open = await startServer(
      t,
      (_, reply) => reply.writeHead(200, { connection: 'close' }).end('open'),
      '127.0.0.2',
    );
    const secret = await startServer(t, (_, reply) => reply.end('secret'));
    let looked = 0;
    const guarded = egressOf(t, ['127.0.0.2'], (_name, _options, told) =>
      told(null, [{ address: looked++ === 0 ? '127.0.0.2' : '127.0.0.1', family: 4 }]),
    )();
    assert.equal(await (await guarded(`http://rebinds.example:${open.port}/`)).text(), 'open');
    assert.equal(looked, 1, 'what is checked is what is connected to');
    await assert.rejects(guarded(`http://rebinds.example:${secret.port}/`), isRefused('private'));
    assert.deepEqual([looked, secret.asked.length], [2, 0]);
  });

  test('an address that leads to another one is refused when it is connected to', async (t) => {
    const server = await startServer(t, (_, reply) => reply.end('secret'));
    const guarded = egressOf(t, ['0.0.0.0'])(); // Linux connects to the loopback
    await assert.rejects(guarded(`http://0.0.0.0:${server.port}/`), isRefused('private'));
    assert.equal(server.asked.length, 0);
  });

  test('a connection that was opened with a permission serves nobody without it', async (t) => {
    const server = await startServer(t, (_, reply) => reply.end('a'));
    const { connect, close } = createEgress(namesOf({ 'own.example': ['127.0.0.1'] }));
    t.after(close);
    const url = `http://own.example:${server.port}/`;
    const configured = openEgress(connect).open({ maxBytes: 10, configured: url });
    assert.equal(await (await configured(url)).text(), 'a');
    await assert.rejects(openEgress(connect).open({ maxBytes: 10 })(url), isRefused('private'));
    const allowed = openEgress(connect, ['127.0.0.0/8']).open({ maxBytes: 10 });
    assert.equal(await (await allowed(url)).text(), 'a');
    await assert.rejects(openEgress(connect, ['10.0.0.0/8']).open({ maxBytes: 10 })(url), isRefused('private'));
    assert.equal(server.asked.length, 2);
  });

  test('no proxy of the environment is used', async (t) => {
    const proxy = await startServer(t, (_, reply) => reply.end('proxy'));
    const server = await startServer(t, (_, reply) => reply.end('server'));
    const before = { ...process.env };
    t.after(() => {
      process.env = before;
    });
    for (const name of ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY', 'https_proxy'])
      process.env[name] = proxy.origin;
    process.env.NODE_USE_ENV_PROXY = '1';
    const guarded = egressOf(t, ['127.0.0.1'])();
    assert.equal(await (await guarded(server.origin)).text(), 'server');
    assert.equal(proxy.asked.length, 0);
  });
});

describe('what may be reached', () => {
  const allows: [allow: string[], url: string, isReached: boolean][] = [
    [['127.0.0.1:PORT'], 'http://127.0.0.1:PORT/', true],
    [['127.0.0.1:1'], 'http://127.0.0.1:PORT/', false],
    [['127.0.0.0/8'], 'http://127.0.0.1:PORT/', true],
    [['127.0.0.0/8'], 'http://[::ffff:127.0.0.1]:PORT/', true],
    [['127.0.0.0/8'], 'http://name.internal:PORT/', true],
    [['10.0.0.0/8', '127.0.0.0/31'], 'http://name.example:PORT/', true],
    [['127.0.0.2/31'], 'http://name.example:PORT/', false],
    [['::1/128'], 'http://name.example:PORT/', false],
    [['name.internal'], 'http://NAME.internal.:PORT/', true],
    [['name.internal:PORT'], 'http://name.internal:PORT/', true],
    [['name.internal:80'], 'http://name.internal:PORT/', false],
    [['Name.Internal'], 'http://name.internal:PORT/', true],
    [['internal'], 'http://name.internal:PORT/', false],
    [['name.internal'], 'http://other.name.internal:PORT/', false],
  ];
  const names = Object.fromEntries(
    ['name.internal', 'name.internal.', 'other.name.internal', 'name.example'].map((name) => [name, ['127.0.0.1']]),
  );
  for (const [allow, url, isReached] of allows) {
    test(`${allow.join()} ${isReached ? 'opens' : 'does not open'} ${url}`, async (t) => {
      const server = await startServer(t, (_, reply) => reply.end('a'));
      const at = (text: string) => text.replaceAll('PORT', String(server.port));
      const asked = egressOf(t, allow.map(at), namesOf(names))()(at(url));
      if (isReached) assert.equal(await (await asked).text(), 'a');
      else await assert.rejects(asked, isRefused('private'));
      assert.equal(server.asked.length, isReached ? 1 : 0);
    });
  }

  test('a URL of the configuration, at its origin alone', async (t) => {
    const [own, other] = [
      await startServer(t, (_, reply) => reply.end('a')),
      await startServer(t, (_, reply) => reply.end('b')),
    ];
    const guarded = egressOf(t)({ configured: `${own.origin}/mcp` });
    assert.equal(await (await guarded(`${own.origin}/else`)).text(), 'a');
    await assert.rejects(guarded(other.origin), isRefused('private'));
  });
});

describe('redirects', () => {
  test('are followed, and each is checked like the first', async (t) => {
    const secret = await startServer(t, (_, reply) => reply.end('secret'));
    const targets = [
      ['http://169.254.169.254/latest/', 'private'],
      [`http://localhost:${secret.port}/`, 'private'],
      [`${secret.origin}/`, 'private'],
      [`//127.1:${secret.port}/`, 'private'],
      ['file:///etc/passwd', 'url'],
      ['http://user:secret@own.example/', 'url'],
      ['http://[', 'url'],
    ] as const;
    const server = await startServer(t, ({ line }, reply) => {
      const index = Number(/\d+/.exec(line)?.[0]);
      reply.writeHead(302, { location: targets[index]?.[0] ?? '/' }).end();
    });
    for (const configured of [undefined, server.origin]) {
      const allow = configured === undefined ? [`127.0.0.1:${server.port}`] : [];
      const guarded = egressOf(t, allow)(configured === undefined ? {} : { configured });
      for (const [index, [, reason]] of targets.entries())
        await assert.rejects(guarded(`${server.origin}/${index}`), isRefused(reason));
    }
    assert.equal(secret.asked.length, 0);
  });

  test('end after five, or as many as a rule says, and a loop ends with them', async (t) => {
    const server = await startServer(t, ({ line }, reply) => {
      const left = Number(/\d+$/.exec(line)?.[0]);
      if (left === 0) reply.end('there');
      else reply.writeHead(302, { location: line.includes('loop') ? '/loop9' : `/${left - 1}` }).end();
    });
    const open = egressOf(t, ['127.0.0.1']);
    const reply = await open()(`${server.origin}/5`);
    assert.deepEqual([await reply.text(), reply.url, reply.redirected], ['there', `${server.origin}/0`, true]);
    await assert.rejects(open()(`${server.origin}/6`), isRefused('redirect'));
    await assert.rejects(open({ redirects: 0 })(`${server.origin}/1`), isRefused('redirect'));
    const before = server.asked.length;
    await assert.rejects(open()(`${server.origin}/loop9`), isRefused('redirect'));
    assert.equal(server.asked.length - before, 6);
  });

  test('are given as they are, or are errors, where the request says so', async (t) => {
    const server = await startServer(t, (_, reply) => reply.writeHead(302, { location: '/a' }).end());
    const guarded = egressOf(t, ['127.0.0.1'])();
    const reply = await guarded(server.origin, { redirect: 'manual' });
    assert.deepEqual([reply.status, reply.headers.get('location'), reply.redirected], [302, '/a', false]);
    await reply.body?.cancel();
    await assert.rejects(guarded(server.origin, { redirect: 'error' }), isRefused('redirect'));
  });

  for (const [status, method, expected] of [
    ...[301, 302].flatMap(
      (status) =>
        [
          [status, 'POST', 'GET'],
          [status, 'PUT', 'PUT'],
          [status, 'GET', 'GET'],
          [status, 'HEAD', 'HEAD'],
        ] as const,
    ),
    ...[303].flatMap(
      (status) =>
        [
          [status, 'POST', 'GET'],
          [status, 'PUT', 'GET'],
          [status, 'DELETE', 'GET'],
          [status, 'HEAD', 'HEAD'],
        ] as const,
    ),
    ...[307, 308].flatMap(
      (status) =>
        [
          [status, 'POST', 'POST'],
          [status, 'PATCH', 'PATCH'],
        ] as const,
    ),
  ] as const) {
    test(`${status} after ${method} asks by ${expected}`, async (t) => {
      const server = await startServer(t, ({ line }, reply) => {
        if (line.endsWith('/a')) reply.writeHead(status, { location: '/b' }).end();
        else reply.end();
      });
      const hasBody = method !== 'GET' && method !== 'HEAD';
      const init = { method, ...(hasBody && { body: '{"a":1}', headers: { 'content-type': 'application/json' } }) };
      await (await egressOf(t, ['127.0.0.1'])()(`${server.origin}/a`, init)).text();
      const [, second] = server.asked;
      assert.equal(second?.line, `${expected} /b`);
      const keeps = expected === method && hasBody;
      assert.deepEqual(
        [second?.body, second?.headers['content-type']],
        keeps ? ['{"a":1}', 'application/json'] : ['', undefined],
      );
    });
  }

  test('lose credentials where the origin changes, and have them no more when they come back', async (t) => {
    let first: EgressServer;
    const second = await startServer(t, (_, reply) => reply.writeHead(307, { location: `${first.origin}/back` }).end());
    first = await startServer(t, ({ line }, reply) => {
      const location = { '/same': '/other', '/other': `${second.origin}/there` }[line.split(' ')[1] ?? ''];
      if (location) reply.writeHead(307, { location }).end();
      else reply.end();
    });
    const headers = {
      ...{
        authorization: 'Bearer a',
        cookie: 'a=b',
        'x-api-key': 'c',
        'X-Team': 'd',
        'x-plain': 'e',
        'mcp-session-id': 'f',
      },
      accept: 'text/html',
    };
    const guarded = egressOf(t, ['127.0.0.1'])({ credentials: ['X-Team'] });
    await (await guarded(`${first.origin}/same`, { headers })).text();
    const sent = [...first.asked.slice(0, 2), ...second.asked, ...first.asked.slice(2)].map(
      ({ line, headers: had }) => [
        line.split(' ')[1],
        ...Object.keys(headers).filter((name) => had[name.toLowerCase()] !== undefined),
      ],
    );
    const all = Object.keys(headers);
    assert.deepEqual(sent, [
      ['/same', ...all],
      ['/other', ...all],
      ['/there', 'x-plain', 'accept'],
      ['/back', 'x-plain', 'accept'],
    ]);
  });
});

describe('requests', () => {
  test('arrive with method, headers and body, and say who asks', async (t) => {
    const server = await startServer(t, (_, reply) => reply.writeHead(201, { 'x-a': ['1', '2'] }).end('é'));
    for (const guarded of [egressOf(t, ['127.0.0.1'])(), egressOverFetch(['127.0.0.1'])()]) {
      const reply = await guarded(`${server.origin}/a?b=c#d`, {
        method: 'post',
        body: new URLSearchParams({ e: 'f' }),
      });
      assert.deepEqual([reply.status, reply.headers.get('x-a'), await reply.text()], [201, '1, 2', 'é']);
      const { line, headers, body } = server.asked.pop() as AskedRequest; // it has been asked
      assert.deepEqual([line, body, headers['user-agent']], ['POST /a?b=c', 'e=f', 'antiphon']);
      assert.equal(headers['content-type'], 'application/x-www-form-urlencoded;charset=UTF-8');
    }
  });

  test('set no header that says where a request goes, or how long it is', async (t) => {
    const server = await startServer(t, (_, reply) => reply.end());
    const guarded = egressOf(t, ['127.0.0.1'])();
    const wrong: RequestInit[] = [
      ...['Host', 'content-length', 'transfer-encoding', 'Connection', 'proxy-authorization', 'x-forwarded-for'].map(
        (name) => ({
          headers: { [name]: '1' },
        }),
      ),
      { headers: { a: 'b\r\nc: d' } },
      { headers: { 'a b': 'c' } },
      { method: 'CONNECT' },
      { method: 'TRACE' },
      { method: 'GET', body: 'a' },
    ];
    for (const init of wrong)
      await assert.rejects(guarded(server.origin, init), isRefused('request'), JSON.stringify(init));
    assert.equal(server.asked.length, 0);
  });

  test('end with the reason of their signal, before the headers and in the body, and so does their connection', async (t) => {
    const server = await startServer(t, ({ line }, reply) => line.endsWith('/body') && reply.write('a'));
    for (const guarded of [egressOf(t, ['127.0.0.1'])(), egressOverFetch(['127.0.0.1'])()]) {
      const reason = new Error('enough');
      await assert.rejects(guarded(server.origin, { signal: AbortSignal.abort(reason) }), reason);
      const leaving = new AbortController();
      const waiting = guarded(`${server.origin}/head`, { signal: leaving.signal });
      while (server.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      leaving.abort(reason);
      await assert.rejects(waiting, reason);
      const later = new AbortController();
      const reader = (await guarded(`${server.origin}/body`, { signal: later.signal })).body?.getReader();
      assert.equal((await reader?.read())?.value?.length, 1);
      later.abort(reason);
      await assert.rejects(async () => reader?.read(), reason);
      while ((await server.connections()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      server.asked.length = 0;
    }
  });

  test('to nobody, and replies that break off, tell only that', async (t) => {
    const server = await startServer(t, ({ line }, reply) => {
      if (line.endsWith('/head')) reply.destroy();
      else reply.write('a', () => reply.destroy());
    });
    for (const guarded of [egressOf(t, ['127.0.0.1'])(), egressOverFetch(['127.0.0.1'])()]) {
      await assert.rejects(guarded('http://127.0.0.1:9999/'), isRefused('unreachable'));
      await assert.rejects(guarded(`${server.origin}/head`), isRefused('unreachable'));
      await assert.rejects(async () => (await guarded(`${server.origin}/body`)).text(), isRefused('broken'));
    }
  });
});

describe('replies', () => {
  const endless = (reply: ServerResponse, chunk: Buffer) => {
    const write = () => {
      while (!reply.destroyed && reply.write(chunk));
      if (!reply.destroyed) reply.once('drain', write);
    };
    write();
  };

  for (const [name, open] of [
    ['Node', egressOf],
    ['fetch', (_: TestContext, allow: string[]) => egressOverFetch(allow)],
  ] as const) {
    test(`${name}: a body ends at its bound, whoever reads it in what way, and its connection with it`, async (t) => {
      const server = await startServer(t, ({ line }, reply) => {
        if (line.endsWith('/endless')) endless(reply, Buffer.alloc(10_000, 'a'));
        else reply.end('a'.repeat(Number(line.split('/')[1])));
      });
      const guarded = open(t, ['127.0.0.1'])({ maxBytes: 1_000 });
      assert.equal((await (await guarded(`${server.origin}/1000`)).text()).length, 1_000);
      for (const path of ['1001', '100000', 'endless']) {
        await assert.rejects(async () => (await guarded(`${server.origin}/${path}`)).text(), isRefused('too_large'));
        const taken: number[] = [];
        await assert.rejects(async () => {
          for await (const chunk of (await guarded(`${server.origin}/${path}`)).body ?? []) taken.push(chunk.length);
        }, isRefused('too_large'));
        assert.equal(
          taken.reduce((sum, length) => sum + length, 0),
          1_000,
        );
      }
      t.diagnostic(`${await server.connections()} connections`);
    });

    test(`${name}: what counts is what is decoded`, async (t) => {
      const bombs = { gzip: gzipSync(Buffer.alloc(50_000_000)), br: brotliCompressSync(Buffer.alloc(50_000_000)) };
      const server = await startServer(t, ({ line }, reply) => {
        const encoding = line.split('/')[1] as keyof typeof bombs; // of the requests below
        reply
          .writeHead(200, { 'content-encoding': encoding })
          .end(line.endsWith('small') ? gzipSync('abc') : bombs[encoding]);
      });
      const guarded = open(t, ['127.0.0.1'])({ maxBytes: 1_000 });
      const small = await guarded(`${server.origin}/gzip/small`);
      assert.deepEqual([await small.text(), small.headers.get('content-encoding')], ['abc', null]);
      for (const encoding of Object.keys(bombs))
        await assert.rejects(
          async () => (await guarded(`${server.origin}/${encoding}/`)).text(),
          isRefused('too_large'),
        );
    });

    test(`${name}: silence ends a reply, and so does a reply that goes on for too long`, async (t) => {
      const server = await startServer(t, ({ line }, reply) => {
        if (line.endsWith('/head')) return;
        reply.write('a');
        if (!line.endsWith('/drip')) return;
        const timer = setInterval(() => reply.write('a'), 10);
        reply.on('close', () => clearInterval(timer));
      });
      const guarded = open(t, ['127.0.0.1'])({ timeout: 100 });
      await assert.rejects(guarded(`${server.origin}/head`), isRefused('timeout'));
      await assert.rejects(async () => (await guarded(`${server.origin}/body`)).text(), isRefused('timeout'));
      const lasting = open(t, ['127.0.0.1'])({ deadline: 200 });
      await assert.rejects(async () => (await lasting(`${server.origin}/drip`)).text(), isRefused('timeout'));
      while ((await server.connections()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    });

    test(`${name}: a stream of events that a GET opens may be silent for longer, where a rule says so`, async (t) => {
      const server = await startServer(t, ({ line }, reply) => {
        reply.setHeader('content-type', line.endsWith('/events') ? 'text/event-stream' : 'text/plain');
        reply.write('a');
        setTimeout(() => reply.end('b'), 400);
      });
      const guarded = open(t, ['127.0.0.1'])({ timeout: 100, silence: 60_000 });
      assert.equal(await (await guarded(`${server.origin}/events`)).text(), 'ab');
      await assert.rejects(async () => (await guarded(`${server.origin}/text`)).text(), isRefused('timeout'));
      const posted = async () => (await guarded(`${server.origin}/events`, { method: 'POST', body: 'x' })).text();
      await assert.rejects(posted, isRefused('timeout'));
    });

    test(`${name}: a body that nobody reads is ended as well`, async (t) => {
      const server = await startServer(t, (_, reply) => reply.write('a'));
      const guarded = open(t, ['127.0.0.1'])({ timeout: 50 });
      const reply = await guarded(server.origin);
      while ((await server.connections()) > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await assert.rejects(reply.text(), isRefused('timeout'));
    });

    test(`${name}: only content types that are taken come through, of replies that succeed`, async (t) => {
      const server = await startServer(t, ({ line }, reply) => {
        const [, status = '', ...type] = line.split('/');
        reply.writeHead(Number(status), type.length > 0 ? { 'content-type': type.join('/') } : {}).end('{}');
      });
      const guarded = open(t, ['127.0.0.1'])({ types: ['application/json', 'text/*'] });
      for (const path of ['200/application/json', '200/TEXT/html;charset=utf-8', '404/image/png', '500'])
        assert.equal(await (await guarded(`${server.origin}/${path}`)).text(), '{}');
      for (const path of ['200/image/png', '200', '200/application/jsonx', '201/xtext/html'])
        await assert.rejects(guarded(`${server.origin}/${path}`), isRefused('content_type'), path);
    });
  }

  test('an encoding that was not asked for, or two, are refused', async (t) => {
    const server = await startServer(t, ({ line }, reply) =>
      reply.writeHead(200, { 'content-encoding': line.split('/')[1] }).end(gzipSync('a')),
    );
    const guarded = egressOf(t, ['127.0.0.1'])();
    for (const encoding of ['compress', 'deflate', 'gzip,gzip'])
      await assert.rejects(guarded(`${server.origin}/${encoding}`), isRefused('encoding'));
    await assert.rejects(async () => (await guarded(`${server.origin}/br`)).text(), isRefused('broken'));
  });

  test('a head without end is refused', async (t) => {
    const server = await startServer(t, (_, reply) => reply.writeHead(200, { 'x-a': 'a'.repeat(100_000) }).end());
    await assert.rejects(egressOf(t, ['127.0.0.1'])()(server.origin), isRefused('unreachable'));
  });
});

describe('places', () => {
  test('are as many, in the order in which they are asked for, and free again whatever becomes of a reply', async (t) => {
    let [open, most] = [0, 0];
    const server = await startServer(t, async (_, reply) => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 10));
      open--;
      reply.end('a'.repeat(20_000));
    });
    const places = placesFor(6);
    const egress = openEgress(
      fetchConnect(fetch, () => places),
      ['127.0.0.1'],
    );
    const guarded = egress.open({ maxBytes: 64 * KiB, timeout: 10_000 });
    // All of them wait for all others before they read any.
    const replies = await Promise.all(Array.from({ length: 20 }, () => guarded(server.origin)));
    assert.equal((await Promise.all(replies.map((reply) => reply.text()))).join('').length, 400_000);
    assert.equal(most, 6);
    // Nor does a body hold one that nobody ever reads, or that is left, or a request that fails.
    await Promise.all(Array.from({ length: 10 }, () => guarded(server.origin)));
    for (const reply of await Promise.all(Array.from({ length: 10 }, () => guarded(server.origin))))
      await reply.body?.cancel();
    await Promise.allSettled(Array.from({ length: 10 }, () => guarded('http://127.0.0.1:9999/')));
    const leaving = AbortSignal.abort(new Error('enough'));
    await Promise.allSettled(Array.from({ length: 10 }, () => guarded(server.origin, { signal: leaving })));
    assert.equal(await (await guarded(server.origin)).text(), 'a'.repeat(20_000));
  });
});
