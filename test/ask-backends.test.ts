import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ModelConfig, matcher } from '../handler/index.ts';
import { askBackends, IN_ENVIRONMENT } from '../shim/backends/ask.ts';
import { nameToTry } from '../shim/backends/names.ts';
import { plain, table } from '../shim/backends/plain.ts';
import { unreachable } from '../shim/backends/unreachable.ts';
import { listOf, paths, serve, transportFor } from './support/list-servers.ts';
import { freePort, UNREACHABLE } from './support/ports.ts';

const tls = new URL('fixtures/tls/', import.meta.url).pathname;

function chat(url: string, rest: object = {}): ModelConfig {
  return { match: '*', backend: 'chat', url, ...rest };
}

/** What is said of each of these models. */
async function asked(t: TestContext, ...models: ModelConfig[]) {
  const reports = await askBackends(models, transportFor(t));
  return reports.map(({ came, warning }) => [came, warning]);
}

test('a list is told by its number and first names', async (t) => {
  const origin = await serve(t, paths({ '/v1/models': [200, listOf('a', 'b', 'c', 'd')] }));
  assert.deepEqual(await asked(t, chat(`${origin}/v1`)), [['4 models: a, b, c and 1 more', undefined]]);
});

const OTHERS = {
  'without its /v1': ['', '/v1'],
  'the address of a chat completion': ['/v1/chat/completions', '/v1'],
  'the address of a chat completion below another path': ['/openai/v1/chat/completions', '/openai/v1'],
  'the address of a response, with a slash': ['/v1/responses/', '/v1'],
  'a /v1 that the server does not have': ['/v1', ''],
  'with a query': ['/v1?api-version=1', '/v1'],
  'another path altogether': ['/api/chat', '/openai/v1'],
} as const;

for (const [what, [wrong, right]] of Object.entries(OTHERS)) {
  test(`the right URL is found for one that is ${what}`, async (t) => {
    const origin = await serve(t, paths({ [`${right}/models`]: [200, listOf('a')] }));
    const [[came, warning] = []] = await asked(t, chat(origin + wrong));
    assert.equal(came, 'answers 404 (404 page not found)');
    assert.match(warning ?? '', /^answers 404 \(404 page not found\); /);
    assert.ok(warning?.endsWith(`${origin}${right} answers: did you mean that in models.0.url?`), warning);
    assert.equal(/this is the address of one call/.test(warning ?? ''), /completions|responses/.test(wrong));
  });
}

test('the address of a message is found wrong by the protocol of its backend', async (t) => {
  const origin = await serve(t, paths({ '/v1/models?limit=1000': [200, listOf('claude')] }));
  const [[, warning] = []] = await asked(t, { match: '*', backend: 'anthropic', url: `${origin}/v1/messages` });
  assert.ok(
    warning?.endsWith(`one call, not of the API; ${origin}/v1 answers: did you mean that in models.0.url?`),
    warning,
  );
});

test('where no URL is found, the cure says what one looks like', async (t) => {
  const origin = await serve(t, paths({}));
  const models: ModelConfig[] = [chat(`${origin}/v1`)];
  const [report] = await askBackends(models, transportFor(t), IN_ENVIRONMENT);
  assert.match(
    report?.warning ?? '',
    /; correct OPENAI_BASE_URL, which ends before the path of a call, as http:.*v1 does$/,
  );
});

test('nobody there, an unknown host and what speaks no HTTP are told apart', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9\r\n'));
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  const ssh = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/v1`;
  const [dead, strange, other] = await asked(
    ...([t, chat(`http://127.0.0.1:${UNREACHABLE}/v1`), chat('http://no-host.invalid/v1'), chat(ssh)] as const),
  );
  const nobody = `nothing listens at 127.0.0.1:${UNREACHABLE} (ECONNREFUSED)`;
  assert.deepEqual(dead, [nobody, `${nobody}; start the server, or correct host and port in models.0.url`]);
  assert.match(strange?.[1] ?? '', /^there is no host no-host\.invalid \(E.*\); correct the host in models\.1\.url$/);
  assert.match(other?.[1] ?? '', /^does not speak HTTP there .*; correct port or scheme in models\.2\.url$/);
});

test('http for https and the reverse are found', async (t) => {
  const [cert, key] = [await readFile(`${tls}server.pem`), await readFile(`${tls}server.key`)];
  const list = paths({ '/v1/models': [200, listOf('a')] });
  const [plainly, safely] = [await serve(t, list), await serve(t, list, { cert, key })];
  const [[, forHttp] = [], [, forHttps] = [], [untrusted] = []] = await asked(
    ...([t, chat(`${plainly.replace('http:', 'https:')}/v1`)] as const),
    chat(`${safely.replace('https:', 'http:')}/v1`),
    chat(`${safely}/v1`),
  );
  assert.match(forHttp ?? '', /^does not speak TLS there \(ERR_SSL_WRONG_VERSION_NUMBER\); /);
  assert.ok(forHttp?.endsWith(`${plainly}/v1 answers: did you mean that in models.0.url?`), forHttp);
  assert.match(forHttps ?? '', /^breaks the connection /);
  assert.ok(
    forHttps?.includes(
      `; ${safely}/v1 answers, with a certificate that is not trusted (name the file of its authority`,
    ),
    forHttps,
  );
  assert.match(untrusted ?? '', /^its certificate is not trusted \(.*\)$/);
});

test('a server that says itself that it speaks TLS is believed', async (t) => {
  const said = 'Client sent an HTTP request to an HTTPS server.';
  const origin = await serve(t, (_, res) => res.writeHead(400).end(said));
  assert.deepEqual(await asked(t, chat(`${origin}/v1`)), [
    [`answers 400 (${said})`, `answers 400 (${said}); write https:// in models.0.url`],
  ]);
});

test('no key and a wrong key are told apart, in the words of the server', async (t) => {
  const origin = await serve(t, ({ headers }, res) => {
    const [status, message] = headers.authorization ? [403, 'Not for you'] : [401, 'Who are you?'];
    res.writeHead(status).end(JSON.stringify({ error: { message } }));
  });
  assert.deepEqual(await asked(t, chat(`${origin}/v1`), chat(`${origin}/v1`, { key: 'wrong' })), [
    ['asks for a key: 401 (Who are you?)', 'asks for a key: 401 (Who are you?); set models.0.key'],
    ['refuses the key: 403 (Not for you)', 'refuses the key: 403 (Not for you); correct models.1.key'],
  ]);
});

test('a key goes to no other host, and never in the clear because of a guess', async (t) => {
  const heard: string[] = [];
  const elsewhere = await serve(t, ({ headers, url }, res) => {
    heard.push(`${url} ${headers.authorization}`);
    res.end(listOf('a'));
  });
  const location = `${elsewhere.replace('127.0.0.1', 'localhost')}/v1/models?token=hush`;
  const origin = await serve(t, (_, res) => res.writeHead(302, { location }).end());
  const [[came, warning] = []] = await asked(t, chat(`${origin}/v1`, { key: 'k' }));
  assert.equal(came, `redirects (302) to ${location.replace('/models?token=hush', '')}`);
  assert.match(
    warning ?? '',
    /; redirects are not followed: write in models\.0\.url where it leads, if that is its API$/,
  );
  assert.deepEqual(heard, []);
  await asked(t, chat(`${elsewhere.replace('http:', 'https:')}/v1`, { key: 'k' }));
  assert.deepEqual(heard, ['/v1/models undefined']);
});

test('a redirect on the same host is where the API is', async (t) => {
  const origin = await serve(
    t,
    paths({ '/v1/models': [301, '', { location: '/new/v1/models' }], '/new/v1/models': [200, listOf('a')] }),
  );
  const [[, warning] = []] = await asked(t, chat(`${origin}/v1`));
  assert.ok(warning?.endsWith(`; ${origin}/new/v1 answers: did you mean that in models.0.url?`), warning);
});

const BODIES: [body: string, came: string][] = [
  ['<!doctype html><html><head><title>Open  WebUI</title>', 'answers with a page (Open WebUI)'],
  ['{"status":"ok"}', 'answers with JSON that is no list of models'],
  ['OK', 'answers with what is no list of models (OK)'],
  ['', 'answers with what is no list of models'],
  [`{"object":"list","data":${'['.repeat(100_000)}`, 'its list of models is no JSON, or too long to be read'],
  [
    `{"object":"list","data":["${'x'.repeat(10 * 1024 ** 2)}"]}`,
    'its list of models is no JSON, or too long to be read',
  ],
  [listOf(), 'no models'],
];
for (const [body, came] of BODIES) {
  test(`what is no list is told: ${body.slice(0, 40)}`, async (t) => {
    const origin = await serve(t, (_, res) => res.end(body));
    const [[said, warning] = []] = await asked(t, chat(`${origin}/v1`));
    assert.equal(said, came);
    assert.ok(warning, 'and warned of');
  });
}

test('a server that starts, or has too much to do, is told in its own words', async (t) => {
  const origin = await serve(t, (_, res) => res.writeHead(503).end('{"error":{"message":"Loading model"}}'));
  const [[, warning] = []] = await asked(t, chat(`${origin}/v1`));
  assert.equal(warning, 'answers 503 (Loading model); it may be starting, or overloaded; see its log');
});

test('each URL and key is asked once, whatever entries there are', async (t) => {
  let requests = 0;
  const origin = await serve(t, (_, res) => {
    requests++;
    res.end(listOf('a', 'b'));
  });
  const url = `${origin}/v1`;
  await asked(t, chat(url, { match: 'a' }), chat(url, { match: 'b' }), chat(url, { key: 'k' }), chat(url));
  assert.equal(requests, 2);
});

test('names that the list does not have are warned of, and the nearest is named', async (t) => {
  const ids = ['qwen3', 'llama3:latest', 'models/gemini-2', 'claude-opus-4-20250514', 'gpt/x'];
  const origin = await serve(t, paths({ '/v1/models': [200, listOf(...ids)] }));
  const warningFor = async (match: string) => (await asked(t, chat(`${origin}/v1`, { match })))[0]?.[1];
  const it = 'it has 5 models: qwen3, llama3:latest, models/gemini-2 and 2 more';
  assert.equal(await warningFor('qwne3'), `does not list qwne3; ${it}: did you mean qwen3?`);
  assert.equal(await warningFor('mistral'), `does not list mistral; ${it}`);
  assert.equal(await warningFor('mistral*'), `none of its models matches mistral*; ${it}`);
  for (const match of ['qwen3', 'qwen*', 'llama3', 'gemini-2', 'claude-opus-4', 'claude-opus-4-0', 'gpt/x:free', '*'])
    assert.equal(await warningFor(match), undefined, match);
});

test('llama.cpp answers to any name', async (t) => {
  const origin = await serve(t, paths({ '/v1/models': [200, listOf('tiny'), { server: 'llama.cpp' }] }));
  const [report] = await askBackends([chat(`${origin}/v1`, { match: 'any' })], transportFor(t));
  assert.deepEqual([report?.warning, report?.anyName], [undefined, true]);
});

test('a hundred thousand models, and names that would command a terminal, leave table and warnings as they are', async (t) => {
  const many = Array.from({ length: 100_000 }, (_, n) => `model-${n}`);
  const evil = ['\u001b[2J\u001b[31mred\u0007', '\u202eevil\n\nline', `\u009b31m${'x'.repeat(5_000)}`];
  const [large, hostile] = [
    await serve(t, paths({ '/v1/models': [200, listOf(...many)] })),
    await serve(t, paths({ '/v1/models': [200, listOf(...evil)] })),
  ];
  const [[count] = [], [names] = [], [, warning] = []] = await asked(
    ...([t, chat(`${large}/v1`), chat(`${hostile}/v1`), chat(`${hostile}/v1`, { match: 'zzz' })] as const),
  );
  assert.equal(count, '100000 models: model-0, model-1, model-2 and 99997 more');
  for (const text of [names, warning]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters must not be there
    assert.doesNotMatch(text ?? '\u001b', /[\u0000-\u001f\u007f-\u009f\u202e]/);
    assert.ok((text ?? '').length < 300, text);
  }
});

test('the demo has no server, and a backend of a root is not asked', async (t) => {
  assert.deepEqual(
    await asked(t, { match: 'demo', backend: 'demo' }, { match: 'x', backend: 'mine', context: undefined, keys: {} }),
    [
      ['built in', undefined],
      ['not asked: a backend of this program', undefined],
    ],
  );
});

test('a call is tried with a name that its entry answers to, and that sounds as if it did', () => {
  const models = [chat('http://a/v1', { match: 'qwen*' }), chat('http://a/v1'), chat('http://a/v1', { match: 'own' })];
  const names = ['text-embedding-3', 'qwen3', 'gpt-4o', 'own'];
  assert.equal(nameToTry(models, 0, names), 'qwen3');
  assert.equal(nameToTry(models, 1, names), 'gpt-4o');
  assert.equal(nameToTry(models, 1, ['text-embedding-3', 'qwen3']), 'text-embedding-3');
  assert.equal(nameToTry(models, 1, ['qwen3']), undefined);
  assert.equal(nameToTry(models, 2, []), 'own');
  assert.equal(nameToTry([{ match: '*', backend: 'demo' }], 0, []), 'demo');
});

test('an entry is never reached if an earlier one takes all of its names, and only then', () => {
  const lost = (...matches: string[]) =>
    unreachable(matches.map((match) => chat('http://a/v1', { match }))).map(
      ({ path, says }) => `${path.join('.')} ${says}`,
    );
  assert.deepEqual(lost('*', 'qwen'), [
    'models.1.match is never reached: models.0.match, *, takes all that qwen matches',
  ]);
  const shadowed = [
    ...([
      'a*|abc',
      'a*|a*',
      'a*|a*b*',
      '*b*|a*b',
      'a|a',
      '*|*',
      '**|*',
      '*|**',
      'a*c|a*b*c',
      '*a*a*|xaya',
      'x|b*|bc',
    ] as const),
  ];
  for (const list of shadowed) assert.equal(lost(...list.split('|')).length, 1, list);
  for (const list of [
    'a|*',
    'a*|*',
    'a*|b*',
    'ab*|a*',
    '*a|*a*',
    'a*a|a',
    'a*|*b|*',
    '*a*a*|*a*',
    'a|aa',
    'A|a',
    '\ue000*|*',
  ])
    assert.deepEqual(lost(...list.split('|')), [], list);
});

test('what is never reached agrees with every short name', () => {
  let words = [''];
  for (let length = 0; length < 4; length++)
    words = ['', ...words.flatMap((word) => ['a', 'b', 'z'].map((next) => word + next))];
  const patterns = ['a', 'ab', '*', 'a*', '*b', '*a*', 'a*b', '*a*b*', 'a*a', 'b*', '**', 'a*b*', '*ab*'];
  for (const outer of patterns) {
    for (const inner of patterns) {
      const covered = words.filter(matcher(inner)).every(matcher(outer));
      const said =
        unreachable([chat('http://a/v1', { match: outer }), chat('http://a/v1', { match: inner })]).length > 0;
      assert.equal(said, covered, `${outer} before ${inner}`);
    }
  }
});

test('a text of a server is one line without what a terminal obeys, and the columns of a table stand below each other', () => {
  assert.equal(plain('a\u001b[31m\n\nb\u2028c\u0007', 50), 'a [31m b c');
  assert.equal(plain('x'.repeat(100), 10), 'xxxxxxx...');
  assert.equal(plain(`Bearer ${'k'.repeat(40)} no`, 50), 'Bearer [redacted] no');
  assert.equal(
    table([
      ['a', 'b', 'c'],
      ['long', '', 'd'],
    ]),
    '  a     b  c\n  long     d',
  );
});
