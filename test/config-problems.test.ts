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
  const [cert, database, listen, ...others] = await mistakesIn(text);
  assert.match(cert ?? '', /^1:22: tls\.http\.cert is \/nowhere\.pem, which cannot be read: ENOENT/);
  assert.match(database ?? '', /^2:11: database must be sqlite:PATH/);
  assert.match(listen ?? '', /^4:9: listen\.http is 0\.0\.0\.0:80, beyond the loopback/);
  assert.deepEqual(others, []);
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
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`zzzz${n}`, n]));
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
