// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${NAME} is the configuration's own syntax
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { substitute } from '../handler/index.ts';
import { parseConfigFile, readConfigFile } from '../shim/config-file.ts';
import { readFlags, usage } from '../shim/flags.ts';
import { newFolder } from './support/folder.ts';

const parseYaml = (text: string, file: string) => parseConfigFile(text, file).value;

test('flags take one dash or two, and their value after a space or a "="', () => {
  const ports = { port: 1, httpPort: 2, envoyPort: 3, adminPort: 4 };
  const all = {
    command: 'serve',
    config: 'a.yaml',
    ...ports,
    logLevel: 'debug',
    logFormat: 'json',
    noEnvoy: true,
    help: false,
    version: false,
  };
  const line =
    '-config a.yaml -port 1 -http-port 2 -envoy-port 3 -admin-port 4 -log-level debug -log-format json -no-envoy';
  assert.deepEqual(readFlags(line.split(' ')), all);
  assert.deepEqual(readFlags(line.replaceAll(' -', ' --').split(' ')), all);
  assert.deepEqual(
    readFlags(
      '--config=a.yaml -port=1 -http-port=2 -envoy-port=3 -admin-port=4 -log-level=debug -log-format=json -no-envoy=true'.split(
        ' ',
      ),
    ),
    all,
  );
  assert.deepEqual(readFlags([]), { command: 'serve', noEnvoy: false, help: false, version: false });
  assert.deepEqual(readFlags(['serve', ...line.split(' ')]), all);
  assert.equal(readFlags(['-h']).help, true);
  assert.equal(readFlags(['-config=a=b.yaml']).config, 'a=b.yaml');
  assert.equal(readFlags(['--help']).help, true);
  for (const flag of ['-version', '--version']) assert.equal(readFlags(['check', flag]).version, true);
});

test('a wrong flag is an Error that says what is wrong', () => {
  for (const [line, wrong] of [
    ['-prot 1', 'unknown flag -prot: did you mean -port? (see -help)'],
    ['-port', 'flag -port needs a value'],
    ['-port=', 'flag -port needs a value'],
    ['-config -port 1', 'flag -config needs a value'],
    ['-port 65536', 'flag -port: "65536" is not a port (0 to 65535)'],
    ['-http-port 80a', 'flag -http-port: "80a" is not a port (0 to 65535)'],
    ['-envoy-port 1e3', 'flag -envoy-port: "1e3" is not a port (0 to 65535)'],
    ['-log-format xml', 'flag -log-format: "xml" is none of pretty, json'],
    ['-log-level loud', 'flag -log-level: "loud" is none of debug, info, warn, error'],
    ['-no-envoy=no', 'flag -no-envoy takes no value'],
    ['--http_port 1', 'unexpected argument "--http_port" (see -help)'],
    ['-conifg a', 'unknown flag -conifg: did you mean -config? (see -help)'],
    ['-log-level warning', 'flag -log-level: "warning" is none of debug, info, warn, error: did you mean warn?'],
    ['-check', 'flag -check is not for serve (see -help)'],
    ['migrate -chek', 'unknown flag -chek: did you mean -check? (see -help)'],
    ['migrate -check=yes', 'flag -check takes no value'],
    ['migrate -port 1', 'flag -port is not for migrate (see -help)'],
    ['chek', 'unexpected argument "chek": did you mean check? (see -help)'],
    ['check -port 1', 'flag -port is not for check (see -help)'],
    ['check -prot 1', 'unknown flag -prot (see -help)'],
    ['-version=no', 'flag -version takes no value'],
    ['sweep', 'unexpected argument "sweep" (see -help)'],
    ['-port 1 serve', 'unexpected argument "serve": a command comes first (see -help)'],
    ['vacuum -port 1', 'flag -port is not for vacuum (see -help)'],
    ['---port 1', 'unexpected argument "---port" (see -help)'],
  ] as const) {
    assert.throws(() => readFlags(line.split(' ')), { message: wrong });
  }
  for (const name of [
    'config',
    'port',
    'http-port',
    'envoy-port',
    'admin-port',
    'log-level',
    'log-format',
    'no-envoy',
    'help',
    'version',
  ]) {
    assert.match(usage.serve, new RegExp(`  -${name} `));
  }
});

test('the first word is the command, and each says what its flags are', () => {
  assert.deepEqual(readFlags(['vacuum', '-config', 'a.yaml']), {
    ...{ command: 'vacuum', config: 'a.yaml' },
    ...{ noEnvoy: false, help: false, version: false },
  });
  assert.equal(readFlags(['vacuum', '-h']).help, true);
  assert.match(usage.vacuum, /^usage: npm start -- vacuum/);
  assert.doesNotMatch(usage.vacuum, /-port/);
  assert.match(usage.check, /^usage: npm start -- check/);
  assert.match(usage.serve, /Other commands: check, migrate, vacuum, keys, tenants, usage, secrets, audit\./);
});

test('${NAME} is read from the environment, in values at any depth and not in keys', () => {
  const text = 'a: "${A}-${B}"\nlist: [x, { "${A}": "${B}" }]\nn: 5\nnone:\nlone: "$A ${ {}"\n';
  assert.deepEqual(substitute(parseYaml(text, 'f'), { A: '1', B: '${A}' }), {
    a: '1-${A}',
    list: ['x', { '${A}': '${A}' }],
    n: 5,
    none: null,
    lone: '$A ${ {}',
  });
  assert.deepEqual(substitute({ a: '${E}' }, { E: '' }), { a: '' });
});

test('a variable that is not set is an Error naming the key and the variable', () => {
  const text = 'models:\n  - { match: x, key: "${NO_SUCH_KEY}" }\n';
  const message = 'configuration: models.0.key needs the environment variable NO_SUCH_KEY, which is not set';
  assert.throws(() => substitute(parseYaml(text, 'f.yaml'), {}), { message });
});

test('bad YAML is an Error naming file and line; an empty file is an empty object', () => {
  assert.throws(() => parseYaml('a: 1\nb: [1\nc: 2\n', 'f.yaml'), /^Error: f\.yaml:[23]:\d+: ./);
  assert.throws(() => parseYaml('a: 1\na: 2\n', 'f.yaml'), /^Error: f\.yaml:2:1: .*unique/);
  assert.throws(() => parseYaml('- a\n', 'f.yaml'), /f\.yaml: expected a mapping/);
  assert.throws(() => parseYaml('a: 1\n---\nb: 1\n', 'f.yaml'), /^Error: f\.yaml:\d:\d: ./);
  for (const empty of ['', '\n', '# only a comment\n', '---\n']) assert.deepEqual(parseYaml(empty, 'f'), {});
});

test('a file that cannot be read is an Error naming it', async () => {
  await assert.rejects(readConfigFile('/no/such.yaml'), /^Error: cannot read \/no\/such\.yaml: ENOENT/);
  const folder = newFolder();
  await writeFile(join(folder, 'a.yaml'), 'a: "${X}"');
  assert.deepEqual(await readConfigFile(join(folder, 'a.yaml')), { a: '${X}' });
});
