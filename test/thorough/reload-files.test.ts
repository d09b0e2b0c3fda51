import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { type ProductProcess, startCommand } from '../support/product.ts';

let model: ScriptedModel;
before(async () => {
  model = await startScriptedModel();
});
after(() => model.close());

/** A configuration that offers a model of this name, and every other with this key; `rest` are its other keys. */
const naming = (name: string, rest: object = {}, key: unknown = 'the-key') =>
  JSON.stringify({
    database: 'sqlite::memory:',
    models: [
      { match: name, backend: 'demo' },
      { match: 'scripted-*', backend: 'chat', url: model.url, key },
    ],
    ...rest,
  });

async function start(t: TestContext, file: string): Promise<ProductProcess> {
  const product = await startCommand(['-no-envoy', '-config', file]);
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
  });
  return product;
}

const readyz = async ({ http }: ProductProcess) => {
  const reply = await fetch(`${http}/readyz`);
  return [reply.status, await reply.json()];
};

/** Waits until a model of this name is offered. */
async function offers({ http }: ProductProcess, name: string): Promise<void> {
  await until(async () => (await fetch(`${http}/v1/models/${name}`)).status === 200);
}

/** Lines of the log with this message. */
const lines = (product: ProductProcess, message: string) =>
  product
    .stdout()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .filter((line) => line.message === message);

/** A folder as Kubernetes mounts a ConfigMap, and the exchange of what it holds; the version before goes unless it `keeps` that. */
function configMap(folder: string, { keeps = false } = {}) {
  let version = 0;
  const exchange = (text: string) => {
    const data = `..version_${++version}`;
    mkdirSync(join(folder, data));
    writeFileSync(join(folder, data, 'config.yaml'), text);
    symlinkSync(data, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    if (version > 1 && !keeps) rmSync(join(folder, `..version_${version - 1}`), { recursive: true });
  };
  return exchange;
}

/** Writes a file anew at once, so that nobody reads half of it. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** Ways to change a file: each has a folder, gives the path to start with, and changes what that leads to. */
const ways: Record<string, (folder: string, text: string) => { file: string; change(text: string): void }> = {
  'in place'(folder, text) {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, text);
    return { file, change: (text) => writeFileSync(file, text) };
  },
  'by another file that is renamed to it'(folder, text) {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, text);
    return { file, change: (text) => replace(file, text) };
  },
  'removed and written again'(folder, text) {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, text);
    const change = (text: string) => {
      unlinkSync(file);
      writeFileSync(file, text);
    };
    return { file, change };
  },
  'as Kubernetes exchanges a ConfigMap'(folder, text) {
    const change = configMap(folder);
    change(text);
    symlinkSync('..data/config.yaml', join(folder, 'config.yaml'));
    return { file: join(folder, 'config.yaml'), change };
  },
  'as a ConfigMap that a link in another folder leads to'(folder, text) {
    mkdirSync(join(folder, 'mounted'));
    mkdirSync(join(folder, 'app'));
    const change = configMap(join(folder, 'mounted'), { keeps: true }); // so that the file itself tells nothing
    change(text);
    symlinkSync('..data/config.yaml', join(folder, 'mounted/config.yaml'));
    symlinkSync('../mounted/config.yaml', join(folder, 'app/antiphon.yaml'));
    return { file: join(folder, 'app/antiphon.yaml'), change };
  },
  'by another link in its place'(folder, text) {
    const file = join(folder, 'config.yaml');
    let version = 0;
    const change = (text: string) => {
      mkdirSync(join(folder, `v${++version}`));
      writeFileSync(join(folder, `v${version}/config.yaml`), text);
      symlinkSync(`v${version}/config.yaml`, `${file}.new`);
      renameSync(`${file}.new`, file);
    };
    change(text);
    return { file, change };
  },
  'with its whole folder'(folder, text) {
    const whole = join(folder, 'whole');
    mkdirSync(whole);
    writeFileSync(join(whole, 'config.yaml'), text);
    let version = 0;
    const change = (text: string) => {
      mkdirSync(join(folder, 'next'));
      writeFileSync(join(folder, 'next/config.yaml'), text);
      renameSync(whole, join(folder, `old-${++version}`));
      renameSync(join(folder, 'next'), whole);
    };
    return { file: join(whole, 'config.yaml'), change };
  },
};

for (const [name, way] of Object.entries(ways)) {
  test(`a file is reloaded when it changes ${name}, each time`, async (t) => {
    const { file, change } = way(newFolder(), naming('m0'));
    const product = await start(t, file);
    await offers(product, 'm0');
    for (const next of ['m1', 'm2', 'm3']) {
      change(naming(next));
      await offers(product, next);
    }
    assert.equal((await fetch(`${product.http}/v1/models/m0`)).status, 404);
    change(naming('m3'));
    change(naming('m4'));
    await offers(product, 'm4');
    const taken = lines(product, 'the configuration was reloaded');
    assert.deepEqual(
      taken.map(({ changed }) => changed),
      Array(4).fill(['models']),
      'what is written and is the same is not taken again',
    );
    assert.deepEqual(await readyz(product), [200, { status: 'ready' }]);
  });
}

test('a bad file changes nothing: the log has its mistakes and their places, /readyz a note, and the next good one is taken', async (t) => {
  const folder = newFolder();
  const file = join(folder, 'config.yaml');
  replace(file, naming('m0'));
  const product = await start(t, file);
  const FAILED = 'the configuration could not be reloaded, so the one before stays';
  const bad: [text: string, error: RegExp][] = [
    [
      'models:\n  - { match: m1, backend: demo }\nretentoin: 1d\nlimits: { turns: none }\n',
      /config\.yaml:3:1: retentoin is not a key that is known.*retention[\s\S]*config\.yaml:4:\d+: limits\.turns/,
    ],
    ['models: [', /config\.yaml:1:/],
    ['- a list', /expected a mapping/],
    ['', /there is no key in it/],
    ['models: [{ match: m1, backend: nowhere }]', /config\.yaml:1:\d+: models\.0\.backend must be/],
    ['listen: { http: "0.0.0.0:1" }', /beyond the loopback/],
    [`models: [{ match: m1, backend: chat, url: "${product.http}/v1" }]`, /which is this server itself/],
    [
      'models: [{ match: m1, backend: chat, url: "http://x/v1", key: { file: /nowhere/key } }]',
      /models\.0\.key is in a file: cannot read \/nowhere\/key/,
    ],
    [
      'models: [{ match: m1, backend: chat, url: "http://x/v1", key: "' + '$' + '{NOT_THERE}" }]',
      /NOT_THERE, which is not set/,
    ],
  ];
  for (const [index, [text, error]] of bad.entries()) {
    replace(file, text);
    await until(() => lines(product, FAILED).length === index + 1);
    const { error: said, level } = lines(product, FAILED).at(-1);
    assert.equal(level, 'ERROR');
    assert.match(said, error);
    assert.deepEqual(await readyz(product), [200, { status: 'ready', notes: ['reload'] }]);
    assert.equal((await fetch(`${product.http}/v1/models/m0`)).status, 200);
  }
  unlinkSync(file);
  await until(() => lines(product, FAILED).length === bad.length + 1);
  assert.match(lines(product, FAILED).at(-1).error, /cannot read .*config\.yaml: ENOENT/);
  replace(file, naming('m2'));
  await offers(product, 'm2');
  assert.deepEqual(await readyz(product), [200, { status: 'ready' }]);
  assert.equal(lines(product, FAILED).length, bad.length + 1);
});

test('SIGHUP reads the file again, whether or not it has changed, and says what is wrong with it each time', async (t) => {
  const file = join(newFolder(), 'config.yaml');
  replace(file, naming('m0'));
  const product = await start(t, file);
  product.kill('SIGHUP');
  await until(() => lines(product, 'the configuration was reloaded').length === 1);
  assert.deepEqual(lines(product, 'the configuration was reloaded')[0].changed, []);
  replace(file, 'models: 7');
  const failures = () => lines(product, 'the configuration could not be reloaded, so the one before stays').length;
  await until(() => failures() === 1);
  product.kill('SIGHUP');
  await until(() => failures() === 2);
  const response = await fetch(`${product.http}/v1/models/m0`);
  assert.equal(response.status, 200);
});

test('what needs a restart is said with its keys, at each reload until then, and all else is taken', async (t) => {
  const file = join(newFolder(), 'config.yaml');
  replace(file, naming('m0'));
  const product = await start(t, file);
  const RESTART = 'what has changed of the configuration needs a restart';
  const other = { database: 'sqlite:./other.db', synchronous: 'full', limits: { lease: '7s', turns: 5 } };
  replace(file, naming('m1', other));
  await offers(product, 'm1');
  await until(() => lines(product, RESTART).length === 1);
  assert.deepEqual(
    [lines(product, RESTART)[0].level, lines(product, RESTART)[0].keys],
    ['WARN', ['database', 'synchronous', 'limits.lease']],
  );
  replace(file, naming('m2', other));
  await offers(product, 'm2');
  await until(() => lines(product, RESTART).length === 2);
  assert.deepEqual(lines(product, RESTART)[1].keys, ['database', 'synchronous', 'limits.lease']);
  replace(file, naming('m3'));
  await offers(product, 'm3');
  assert.equal(lines(product, RESTART).length, 2);
  const proof = { proof: { value: 'abcdefghijklmnopqrstuvwxyz0123456789' } };
  replace(file, naming('m4', proof));
  await offers(product, 'm4');
  replace(file, naming('m5'));
  await offers(product, 'm5');
  const { changed } = lines(product, 'the configuration was reloaded').at(-1);
  assert.deepEqual(changed, ['models', 'proof'], 'a key that is gone has changed');
});

test('a key in a file is read again when it changes, and one that is missing, empty, too large or no file is no key', async (t) => {
  const folder = newFolder();
  const exchange = configMap(folder);
  exchange('first-key\n');
  symlinkSync('..data/config.yaml', join(folder, 'key'));
  const file = join(folder, 'antiphon.yaml');
  replace(file, naming('m0', {}, { file: join(folder, 'key') }));
  const product = await start(t, file);
  const literal = '$' + '{HOME}'; // what is in the file is no text of the configuration
  const accepted = model.script(says('Hello'));
  const ask = async () => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ model: accepted, input: 'Hi' });
    assert.equal((await fetch(`${product.http}/v1/responses`, { method: 'POST', headers, body })).status, 200);
    return model.calls(accepted).at(-1)?.headers.authorization;
  };
  assert.equal(await ask(), 'Bearer first-key');
  exchange('second-key\r\n');
  await until(async () => (await ask()) === 'Bearer second-key');
  exchange(literal);
  await until(async () => (await ask()) === `Bearer ${literal}`);
  const failures = () => lines(product, 'the configuration could not be reloaded, so the one before stays');
  const bad: [text: string | undefined, error: RegExp][] = [
    ['\n', /models\.1\.key is in a file: .*key is empty/],
    ['x'.repeat(70_000), /larger than 65536 bytes/],
    ['two\nlines', /models\.1\.key must be one line/],
    [undefined, /cannot read .*key: ENOENT/],
  ];
  for (const [index, [text, error]] of bad.entries()) {
    if (text === undefined) unlinkSync(join(folder, 'key'));
    else exchange(text);
    await until(() => failures().length === index + 1);
    assert.match(failures()[index].error, error);
    assert.equal(await ask(), `Bearer ${literal}`, 'the last good one');
  }
  symlinkSync('..data/config.yaml', join(folder, 'key'));
  exchange('third-key');
  await until(async () => (await ask()) === 'Bearer third-key');
  const log = product.stdout() + product.stderr();
  for (const secret of ['first-key', 'second-key', 'third-key']) assert.ok(!log.includes(secret), secret);
  assert.ok(!readFileSync(file, 'utf8').includes('-key"'));
});
