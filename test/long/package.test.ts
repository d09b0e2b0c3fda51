import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { promisify } from 'node:util';
import { install, type Packed, pack } from '../support/pack.ts';
import { freePort } from '../support/ports.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

/** The oldest Node that is said to do, our own, and the newest. */
const NODES = { oldest: '22.19.0', newest: 'latest' };

/** Entry points that need nothing but web standards. */
const NEUTRAL = ['', '/backend', '/tool', '/database', '/d1', '/worker', '/telemetry'];

let packed: Packed;
let consumer: string;

before(async () => {
  packed = await pack();
  consumer = join(packed.dir, 'consumer');
  await mkdir(consumer);
  await install(consumer, [packed.tarball, '@types/node@22', 'typescript@5.9']);
});
const published = async () => JSON.parse(await readFile(join(consumer, 'node_modules/antiphon/package.json'), 'utf8'));
const entries = async () =>
  Object.keys((await published()).exports)
    .filter((name) => name !== './package.json')
    .map((name) => name.slice(1));

test('the published package.json brings no Node, and asks for one on which all of it runs; the clone keeps its own', async () => {
  const { scripts, devDependencies, optionalDependencies, engines, files } = await published();
  assert.deepEqual([scripts, devDependencies, optionalDependencies], [undefined, undefined, undefined]);
  assert.deepEqual([engines, files], [{ node: '>=22.19' }, ['dist']]);
  assert.equal(
    await readFile(join(packed.project, 'package.json'), 'utf8'),
    await readFile(join(ROOT, 'package.json'), 'utf8'),
  );
});

test('it has the script of the page at /docs, compressed', async () => {
  const { stdout } = await run('tar', ['tzf', packed.tarball]);
  for (const kind of ['br', 'gz']) assert.ok(stdout.includes(`package/dist/docs/reference.js.${kind}\n`), kind);
});

test('only a packed file can be published: from a folder npm would send the dependencies of the clone', async () => {
  await assert.rejects(
    run('npm', ['publish', '--dry-run'], { cwd: packed.project }),
    /Publish the packed file: npm publish/,
  );
});

test('publint and attw find nothing', async () => {
  const linters = join(packed.dir, 'linters');
  await mkdir(linters);
  await install(linters, ['publint@0.3.25', '@arethetypeswrong/cli@0.18.5']);
  const bin = join(linters, 'node_modules/.bin');
  await run(join(bin, 'publint'), ['run', '--strict', packed.tarball]);
  // What `attw --pack` does: it packs, and looks at that.
  await run(join(bin, 'attw'), [packed.tarball, '--profile', 'esm-only']);
});

/** Compiles a file that takes all of some entry points, as strictly as can be, the package's declarations included. */
async function compile(tsc: string, name: string, imported: readonly string[], options: object): Promise<void> {
  const lines = imported.map((entry, n) => `export * as e${n} from 'antiphon${entry}';`);
  await writeFile(join(consumer, `${name}.ts`), lines.join('\n'));
  const compilerOptions = {
    ...{ target: 'es2024', strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
    ...{ verbatimModuleSyntax: true, skipLibCheck: false, noEmit: true },
    ...options,
  };
  const project = join(consumer, `tsconfig.${name}.json`);
  await writeFile(project, JSON.stringify({ compilerOptions, files: [`${name}.ts`] }));
  await run(tsc, ['-p', project], { cwd: consumer }).catch(({ stdout }) => assert.fail(`${name}: ${stdout}`));
}

for (const compiler of ['ours', 'theirs']) {
  test(`a strict project compiles against every entry point, and without Node's types against the neutral ones (${compiler})`, async () => {
    const tsc = join(compiler === 'ours' ? ROOT : consumer, 'node_modules/.bin/tsc');
    const node = { module: 'nodenext', lib: ['es2024'], types: ['node'] };
    await compile(tsc, 'node', await entries(), node);
    const worker = {
      module: 'esnext',
      moduleResolution: 'bundler',
      lib: ['es2024', 'webworker', 'webworker.asynciterable'],
      types: [],
    };
    await compile(tsc, 'neutral', NEUTRAL, worker);
  });
}

/** Takes every entry point, and has the handler answer through both servers, with a database in a file that is looked after. */
const script = (imported: readonly string[]) => `
  import { createHandler, parseConfig } from 'antiphon';
  import { codecs, createPageReducer, createTransport, loadTokenizer, serveHttp } from 'antiphon/node';
  import { serveGrpc, sessionLimits } from 'antiphon/ext-proc';
  import { openDatabase } from 'antiphon/sqlite';
  import zlib from 'node:zlib';
  ${imported.map((entry) => `import 'antiphon${entry}';`).join('\n')}
  const database = await openDatabase('sqlite:./there/a.db', 'normal', () => {});
  const { transport, close } = createTransport();
  const config = parseConfig({});
  const handler = createHandler({ config, codecs, database, transport, tokenizer: loadTokenizer });
  handler.maintain();
  const { fetch: answer, memory } = handler;
  const http = await serveHttp({ host: '127.0.0.1', port: Number(process.env.PORT), fetch: answer, memory });
  const grpc = await serveGrpc({ address: '127.0.0.1:0', fetch: answer, limits: sessionLimits(config.limits), memory });
  const body = JSON.stringify({ model: 'demo', input: 'Hi' });
  for (const [encoding, bytes] of [['br', zlib.brotliCompressSync(body)], ['zstd', zlib.zstdCompressSync(body)], ['identity', body]]) {
    const headers = { 'content-type': 'application/json', ...(encoding !== 'identity' && { 'content-encoding': encoding }) };
    const reply = await fetch(\`http://127.0.0.1:\${http.port}/v1/responses\`, { method: 'POST', headers, body: bytes });
    console.log((await reply.json()).status);
  }
  const pages = createPageReducer();
  const page = { kind: 'html', url: 'http://x/', bytes: Buffer.from('<p>Read by a process') };
  console.log((await pages.reduce(page, { id: 'a' }, new AbortController().signal)).text);
  await pages.close();
  await http.drain(1000);
  await grpc.drain(1000);
  await handler.close(1000);
  await close();
  await database.close();
  console.log(process.version);`;

for (const [age, version] of [...Object.entries(NODES), ['own', undefined] as const]) {
  test(`all entry points and the command run on the ${age} Node`, async (t) => {
    const node = version === undefined ? process.execPath : await installNode(version);
    if (!node) return t.skip('npm has no Node for this machine');
    const file = join(consumer, `try-${age}.js`);
    await writeFile(file, script(await entries()));
    const env = { ...process.env, PORT: `${await freePort()}` };
    const { stdout } = await run(node, [file], { cwd: consumer, env });
    const lines = stdout.trim().split('\n');
    assert.deepEqual(lines.slice(0, 4), ['completed', 'completed', 'completed', 'Read by a process']);
    t.diagnostic(lines.at(-1) ?? '');

    const httpPort = await freePort();
    const main = join(consumer, 'node_modules/antiphon', (await published()).bin.antiphon);
    const help = await run(node, [main, '-help'], { cwd: consumer });
    assert.match(help.stdout, /^usage: antiphon \[serve\]/);
    const told = await run(node, [main, '--version'], { cwd: consumer });
    assert.equal(told.stdout, `antiphon ${(await published()).version}\n`);
    const ports = ['-no-envoy', '-port', `${await freePort()}`, '-admin-port', `${await freePort()}`];
    const child = spawn(node, [main, '-http-port', `${httpPort}`, ...ports], { cwd: consumer, stdio: 'pipe' });
    t.after(() => child.kill('SIGKILL'));
    const closed = once(child, 'close');
    let stderr = '';
    const ready = new Promise<void>((resolve) => {
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
        if (stderr.includes('Antiphon is ready')) resolve();
      });
    });
    await Promise.race([ready, closed]);
    assert.equal((await fetch(`http://127.0.0.1:${httpPort}/v1/models`)).status, 200, stderr);
    child.kill('SIGTERM');
    assert.deepEqual(await closed, [0, null], stderr);
  });
}

/** The binary of another Node, as npm has it; undefined for a machine for which it has none. */
async function installNode(version: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const folder = join(packed.dir, `node-${version}`);
  await mkdir(folder);
  await install(folder, [`other-node@npm:node-linux-${process.arch}@${version}`]);
  return join(folder, 'node_modules/other-node/bin/node');
}
