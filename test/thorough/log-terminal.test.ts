import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { freePort } from '../support/ports.ts';
import { writeConfig } from '../support/product.ts';

const LIMIT = { timeout: 60_000 };

const MAIN = new URL('../../shim/main.ts', import.meta.url).pathname;
const TERMINAL = new URL('../support/terminal.py', import.meta.url).pathname;

/** What the command prints on a terminal about one request, whose id is `id`; `columns` is the terminal's width, if it says it. */
async function rowOf(t: TestContext, args: readonly string[], env: Record<string, string>, columns?: number) {
  const file = await writeConfig(newFolder(), { models: [{ match: 'demo', backend: 'demo' }] });
  const ports = await Promise.all(['-port', '-http-port', '-admin-port'].map(async (name) => [name, await freePort()]));
  const command = [process.execPath, MAIN, '-no-envoy', '-config', file, ...ports.flat().map(String), ...args];
  const sized = columns === undefined ? command : ['sh', '-c', `stty columns ${columns}; exec "$0" "$@"`, ...command];
  const { NO_COLOR: _, ...clean } = process.env;
  const child = spawn('python3', [TERMINAL, ...sized], {
    cwd: newFolder(),
    env: { ...clean, TERM: 'xterm', ...env },
  });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await until(() => /\/v1\/models\r?\n/.test(text));
  const body = JSON.stringify({ model: 'demo', input: 'Hi' });
  const headers = { 'content-type': 'application/json', 'x-request-id': 'mine' };
  const origin = /http:\/\/127\.0\.0\.1:\d+(?=\/v1\/models)/.exec(text)?.[0];
  await (await fetch(`${origin}/v1/responses`, { method: 'POST', headers, body })).text();
  const row = () =>
    text.split(/\r?\n/).find((line) => line.includes('POST /v1/responses') || line.includes('"request"'));
  await until(() => row() !== undefined && text.endsWith('\n'));
  return row()?.replaceAll('\u001b', 'ESC') ?? '';
}

test('on a terminal a line is a coloured row for people', LIMIT, async (t) => {
  const row = await rowOf(t, [], {});
  assert.match(
    row,
    /^ESC\[2m\d\d:\d\d:\d\d\.\d{3}ESC\[0m ESC\[32mINFO ESC\[0m POST \/v1\/responses ESC\[32m200ESC\[0m [\d.]+ms /,
  );
  assert.match(row, /model=demo.*request_id=mine/);
});

test('without colours under NO_COLOR, and cut at the width', LIMIT, async (t) => {
  const row = await rowOf(t, [], { NO_COLOR: '1' }, 70);
  assert.match(row, /^\d\d:\d\d:\d\d\.\d{3} INFO {2}POST \/v1\/responses 200 [\d.]+ms model=demo.*…$/);
  assert.equal(row.length, 69);
});

test('JSON where it is asked for', LIMIT, async (t) => {
  const line = JSON.parse(await rowOf(t, ['-log-format', 'json'], {}));
  assert.partialDeepStrictEqual(line, { level: 'INFO', message: 'request', request_id: 'mine', status: 200 });
});
