// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the configuration's own syntax
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigError, parseConfig, readConfig } from '../handler/index.ts';
import { nearest } from '../handler/nearest.ts';
import { parseConfigFile } from '../shim/config-file.ts';
import { loadConfig, readSetup } from '../shim/setup.ts';
import { newFolder } from './support/folder.ts';

/** The mistakes in a configuration file, a line each, without the name of the file. */
async function mistakesIn(text: string, env: Record<string, string> = {}): Promise<string[]> {
  const file = join(newFolder(), 'a.yaml');
  await writeFile(file, text);
  try {
    await readSetup({ file, env }, { noEnvoy: true });
  } catch (error) {
    return String(error instanceof Error ? error.message : error)
      .split('\n')
      .map((line) => line.replace(`${file}:`, ''));
  }
  return [];
}

test('every mistake in a file is told at once, with line and column, in the order of the file', async () => {
  const text = `# comment
models:
  - match: "*"
    backend: caht
    base_url: "http://x:8000/v1"
    contxt: 12
    key: "\${OPENAI_KEY}"
  - { match: a, backend: responses }
drop_tools: [web_serch]
errors: opnai
limits: { body: 5, perCaler: { turns: 5 } }
foo: 3
bar: 4
`;
  assert.deepEqual(await mistakesIn(text, { OPENAI_API_KEY: 'k' }), [
    '4:14: models.0.backend must be chat, responses, anthropic or demo: did you mean chat?',
    '5:5: models.0.base_url is not a key that is known: did you mean url?',
    '6:5: models.0.contxt is not a key that is known: did you mean context?',
    '6:13: models.0.contxt must be at least 256',
    '7:10: models.0.key needs the environment variable OPENAI_KEY, which is not set: did you mean OPENAI_API_KEY?',
    '8:5: models.1.url is needed by chat, responses and anthropic, and unknown to demo',
    '8:14: models.1.match is never reached: models.0.match, *, takes all that a matches',
    '9:1: drop_tools is not a key that is known: did you mean dropTools?',
    '9:14: drop_tools.0 must be one of web_search, file_search, code_interpreter, image_generation, mcp: did you mean web_search?',
    '10:9: errors must be auto, tiers or openai: did you mean openai?',
    '11:17: limits.body must be a text such as 32MiB',
    '11:20: limits.perCaler is not a key that is known: did you mean perCaller?',
    '12:1: foo is not a key that is known',
    '13:1: bar is not a key that is known',
  ]);
});

test('a mistyped key of what is there as well, or that is missing, is one mistake', async () => {
  assert.deepEqual(await mistakesIn('model: 5\nmodels: [{ mach: a, backend: demo }]\n'), [
    '1:1: model is not a key that is known: did you mean models?',
    '2:12: models.0.mach is not a key that is known: did you mean match?',
  ]);
});

test('files that cannot be read, listeners and the database are told together', async () => {
  const text = `tls: { http: { cert: /nowhere.pem, key: /nowhere.key } }
database: mysql://a:b
listen:
  http: "0.0.0.0:80"
models: [{ match: "*", backend: demo }]
`;
  const [cert, key, database, listen, ...others] = await mistakesIn(text);
  assert.match(cert ?? '', /^1:22: tls\.http\.cert is \/nowhere\.pem, which cannot be read: ENOENT/);
  assert.match(key ?? '', /^1:41: tls\.http\.key is \/nowhere\.key, which cannot be read: ENOENT/);
  assert.match(database ?? '', /^2:11: database must be sqlite:PATH/);
  assert.match(listen ?? '', /^4:9: listen\.http is 0\.0\.0\.0:80, beyond the loopback/);
  assert.deepEqual(others, []);
});

test('mistakes across keys, in files and of listeners are told beside any other, and none that follows from another', async () => {
  const text = `tls:
  grpc: { cert: /nowhere.pem, key: /nowhere.key }
  http: { cret: /nowhere.pem, key: /nowhere.key }
listen:
  http: "0.0.0.0:80"
  grpc: unix:/x
  admin: 5
  htpt: "1.2.3.4:80"
database: mysql://a:b
limits: { drain: 2s, linger: 3s, idle: 5 }
errors: opnai
webhooks: [{ url: "https://h.example", secret: { fil: /nowhere } }]
models:
  - { match: a, backend: demo, extra: 1 }
  - { match: b, backend: chat, url: "http://127.0.0.1:80/v1" }
  - { match: c, backend: chat, url: "http://localhost:10000/v1" }
  - { match: d, backend: chat, url: "http://[::1]:80/v1" }
`;
  assert.deepEqual(
    (await mistakesIn(text)).map((line) => line.replace(/(cannot be read): .*/, '$1')),
    [
      '2:9: tls.grpc needs listen.grpc to be HOST:PORT, and it is unix:/x',
      '2:17: tls.grpc.cert is /nowhere.pem, which cannot be read',
      '2:36: tls.grpc.key is /nowhere.key, which cannot be read',
      '3:11: tls.http.cret is not a key that is known: did you mean cert?',
      '7:10: listen.admin must be a text',
      '8:3: listen.htpt is not a key that is known: did you mean http?',
      '9:11: database must be sqlite:PATH, or sqlite::memory: for one that ends with the process, or postgres://USER:PASSWORD@HOST:PORT/DATABASE',
      '10:30: limits.linger must be at most limits.drain',
      '10:40: limits.idle must be a text such as 600s',
      '11:9: errors must be auto, tiers or openai: did you mean openai?',
      '12:50: webhooks.0.secret.fil is not a key that is known: did you mean file?',
      '14:32: models.0.extra is not a key that is known',
      '15:37: models.1.url is http://127.0.0.1:80/v1, which is this server itself: requests would go in a circle',
      '17:37: models.3.url is http://[::1]:80/v1, which is this server itself: requests would go in a circle',
    ],
  );
});

test('whether somebody asks who is calling is told beside other mistakes, unless those may be the reason', async () => {
  const beyond = /^1:\d+: listen\.http is 0\.0\.0\.0:80, beyond the loopback/;
  const listen = 'listen: { http: "0.0.0.0:80" }\n';
  const [first, second, ...others] = await mistakesIn(`${listen}errors: x\n`);
  assert.match(first ?? '', beyond);
  assert.match(second ?? '', /^2:9: errors must be/);
  assert.deepEqual(others, []);
  for (const reason of ['auth: nobody', 'auht: none', 'tls: { http: { cert: /x, key: /x, clientCA: /x } }']) {
    const told = await mistakesIn(`${listen}${reason}\n`);
    assert.ok(told.length > 0 && !told.some((line) => beyond.test(line)), `${told}`);
  }
  const envoy = 'auth: [{ envoy: { metadata: { namespace: a, tenant: b } } }]\n';
  const [unproved] = await mistakesIn(`${envoy}errors: x\n`);
  assert.match(unproved ?? '', /^1:\d+: auth\.0\.envoy believes an Envoy that nothing shows to be yours/);
  for (const reason of ['listen: { grpc: unx:/socket }', 'proof: { value: short }']) {
    const [told, ...others] = await mistakesIn(`${envoy}${reason}\n`);
    assert.match(told ?? '', /^2:/);
    assert.deepEqual(others, []);
  }
});

test('entries of a list that are twice there are told beside one that is wrong', async () => {
  const text = `webhooks:
  - { url: "https://a.example", secret: short }
  - { url: "https://a.example", secret: "a secret of some length" }
  - { url: "https://b.example", secret: "a secret of some length" }
  - { url: "https://b.example", secret: "a secret of some length" }
attributes: [{ header: x-a, as: a }, { header: x-b, as: a }, { header: x-c, as: 5 }]
`;
  assert.deepEqual(await mistakesIn(text), [
    '2:41: webhooks.0.secret must be whsec_ and base64, or at least 16 characters',
    '5:5: webhooks.3 has the URL of another',
    '6:38: attributes.1 has the `as` (in which a dot is an underscore) of another',
    '6:81: attributes.2.as must be a text',
  ]);
});

test('a secret in a file has one key, and no other mistake is told of one with another', async () => {
  const text = `models:
  - { match: a, backend: chat, url: "https://a.example", key: { fiel: /x } }
  - { match: b, backend: chat, url: "https://b.example", key: { file: /nowhere, mode: 5 } }
  - { match: c, backend: chat, url: "https://c.example", key: {} }
database: { fil: /nowhere }
`;
  assert.deepEqual(await mistakesIn(text), [
    '2:65: models.0.key.fiel is not a key that is known: did you mean file?',
    '3:81: models.1.key.mode is not a key that is known',
    '4:63: models.2.key must be a text, or { file: PATH }',
    '5:13: database.fil is not a key that is known: did you mean file?',
  ]);
});

test('our own listener as a backend has its place', async () => {
  const text = 'models:\n  - match: "*"\n    backend: chat\n    url: http://localhost:8080/v1\n';
  assert.deepEqual(await mistakesIn(text), [
    '4:10: models.0.url is http://localhost:8080/v1, which is this server itself: requests would go in a circle',
  ]);
});

test('bad YAML is told with every place', () => {
  assert.throws(() => parseConfigFile('a: 1\na: 2\nb: "x\n', 'f.yaml'), {
    message: 'f.yaml:2:1: Map keys must be unique\nf.yaml:4:1: Missing closing "quote',
  });
  const bomb = `a: &a [x]\n${Array.from({ length: 60 }, (_, n) => `k${n}: [*a, *a]`).join('\n')}\n`;
  assert.throws(() => parseConfigFile(bomb, 'f.yaml'), /^Error: f\.yaml: Excessive alias count/);
});

test('places are found behind an alias, a key that is a number, an empty value and a value that is not there', () => {
  const placeOf = (text: string, ...path: string[]) =>
    parseConfigFile(text, 'f')
      .locate(new ConfigError([{ path, says: 'x' }]))
      .message.split(': ')[0];
  assert.equal(placeOf('a: &x { b: 1 }\nc: *x\n', 'c', 'b'), 'f:1:12');
  assert.equal(placeOf('a:\n  5: x\n', 'a', '5'), 'f:2:6');
  assert.equal(placeOf('a:\nb: 1\n', 'a'), 'f:1:3');
  assert.equal(placeOf('a:\n  - b: 1\n', 'a', '0', 'c', 'd'), 'f:2:5');
  assert.equal(placeOf('', 'a'), 'f:1:1');
});

test('a backend of the root is known, and its keys are its own', async () => {
  const file = join(newFolder(), 'a.yaml');
  await writeFile(file, 'models: [{ match: a, backend: mine, speed: 5 }]');
  const { config } = await loadConfig({ file, env: {}, backends: ['mine'] });
  assert.deepEqual(config.models, [{ match: 'a', backend: 'mine', context: undefined, keys: { speed: 5 } }]);
  await assert.rejects(loadConfig({ file, env: {} }), /:1:31: models\.0\.backend must be chat, .* or demo$/);
});

test('what a variable stands for is told once, and never shown', () => {
  const file = { models: [{ match: 'a', backend: 'chat', url: '${BASE}/v1', key: '${KEY}' }], errors: '${KEY}' };
  assert.throws(() => readConfig(file, { env: { KEY: 'hush-hush' } }), {
    message:
      'configuration: models.0.url needs the environment variable BASE, which is not set\n' +
      'configuration: errors must be auto, tiers or openai',
  });
});

test('unknown keys without end are told up to a hundred', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`zzzz${n}`, n]));
  assert.throws(
    () => parseConfig(many),
    (error) => error instanceof ConfigError && error.problems.length === 100,
  );
});

test('the nearest word is the one that was meant, and a strange one has none', () => {
  const known = ['models', 'match', 'url', 'key', 'backend', 'dropTools', 'errors', 'errorDetail', 'limits'];
  const meant = {
    ...{ modles: 'models', ulr: 'url', base_url: 'url', api_key: 'key', 'drop-tools': 'dropTools', Error: 'errors' },
    ...{ error_details: 'errorDetail', limit: 'limits', BACKEND: 'backend', keys: 'key' },
  };
  for (const [word, name] of Object.entries(meant)) assert.equal(nearest(word, known), name, word);
  for (const word of ['', '_', 'foo', 'k', 'temperature', 'x', 'a'.repeat(100_000)])
    assert.equal(nearest(word, known), undefined);
  assert.equal(nearest('constructor', []), undefined);
});

test('an entry of egress.allow is a host, with or without a port, or a range', async () => {
  const good = [
    '10.0.0.0/8',
    '10.0.0.5',
    '10.0.0.5:80',
    'fd00::/8',
    '::1',
    '[fd00::1]:443',
    'mcp.internal:443',
    'mcp',
    'Bücher.example',
  ];
  assert.deepEqual(parseConfig({ egress: { allow: good } }).egress.allow, good);
  const wrong = [
    '',
    '*',
    '*.internal',
    'http://mcp.internal',
    'mcp.internal/x',
    'a@b',
    '10.0.0.0/33',
    '10.0.0.0/8:80',
    'a:0',
    'a:70000',
    'fd00::/129',
    'a b',
  ];
  const says =
    'must be a host, with or without a port, such as mcp.internal:443, or a range of addresses such as 10.0.0.0/8';
  for (const entry of wrong) {
    assert.deepEqual(await mistakesIn(`egress: { allow: ["${entry}"] }\n`), [`1:19: egress.allow.0 ${says}`], entry);
  }
  assert.deepEqual(await mistakesIn('egress: { alow: [] }\n'), [
    '1:11: egress.alow is not a key that is known: did you mean allow?',
  ]);
});
