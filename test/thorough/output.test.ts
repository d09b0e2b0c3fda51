import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createReadStream, openSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { fixedLimits } from '../../handler/index.ts';
import { openOutput } from '../../shim/output.ts';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { freePort } from '../support/ports.ts';

/** Much that can go wrong here is something that never comes. */
const LIMIT = { timeout: 30_000 };

const MAIN = new URL('../../shim/main.ts', import.meta.url).pathname;
const TERMINAL = new URL('../support/terminal.py', import.meta.url).pathname;

/** The command with its output where the test wants it, once it answers. */
async function start(t: TestContext, stdio: StdioOptions, before: readonly string[] = [], dir = newFolder()) {
  const [grpc, http] = [await freePort(), await freePort()];
  const flags = ['-no-envoy', '-port', `${grpc}`, '-http-port', `${http}`, '-admin-port', `${await freePort()}`];
  const [program = '', ...args] = [...before, process.execPath, MAIN, ...flags];
  const child: ChildProcess = spawn(program, args, { cwd: dir, stdio });
  const exited = once(child, 'exit');
  t.after(async () => {
    child.kill(before.length > 0 ? 'SIGTERM' : 'SIGKILL'); // a terminal ends what runs in it
    await exited;
  });
  const ask = async (times = 1) => {
    for (let n = 0; n < times; n++) {
      const reply = await fetch(`http://127.0.0.1:${http}/health`);
      assert.deepEqual(await reply.json(), { status: 'ok' });
    }
  };
  await until(() =>
    ask()
      .then(() => true)
      .catch(() => false),
  );
  return { child, ask, exited };
}

test('a log and a stderr whose readers are gone end nothing', LIMIT, async (t) => {
  const { child, ask, exited } = await start(t, ['ignore', 'pipe', 'pipe']);
  child.stdout?.destroy();
  child.stderr?.destroy();
  await ask(20);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('a log and a stderr on a full disk end nothing', LIMIT, async (t) => {
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  const { child, ask, exited } = await start(t, ['ignore', full, full]);
  await ask(20);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('a log that can be written again says how many lines were dropped', LIMIT, async (t) => {
  const dir = newFolder();
  const fifo = join(dir, 'log');
  execFileSync('mkfifo', [fifo]);
  // Opened for both, it does not wait for the other end.
  const first = openSync(fifo, 'r+');
  const log = openSync(fifo, 'w');
  const { child, ask } = await start(t, ['ignore', log, 'ignore'], [], dir);
  closeSync(log);
  closeSync(first); // no reader is left
  await ask(7);
  let read = '';
  const reader = createReadStream(fifo, 'utf8').on('data', (text) => {
    read += text;
  });
  await once(reader, 'open');
  await ask(2);
  await until(() => /could not be written(.*\n){3}/.test(read));
  const lines = read
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.slice(-3).map(({ message, level, dropped }) => [message, level, dropped]),
    [
      ['log lines could not be written', 'WARN', 7],
      ['request', 'INFO', undefined],
      ['request', 'INFO', undefined],
    ],
  );
  child.kill('SIGKILL');
});

test('a terminal that was stopped stops nothing else', LIMIT, async (t) => {
  // What is printed there goes to a pipe that nobody reads.
  const { ask } = await start(t, ['pipe', 'pipe', 'ignore'], ['python3', TERMINAL]);
  await ask(1_500);
});

test('what lies before a reader who does not read has a bound, and the rest is counted', async () => {
  const chunks: string[] = [];
  let next: (() => void) | undefined;
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      chunks.push(chunk);
      next = done;
    },
  });
  const output = openOutput(stream, (dropped) => `${dropped} dropped\n`);
  const line = `${'x'.repeat(1023)}\n`;
  for (let n = 0; n < 5_000; n++) output.write(line);
  assert.ok(stream.writableLength <= fixedLimits.unsentLog + line.length);
  const keptLines = stream.writableLength / line.length;
  while (stream.writableLength > 0) {
    next?.();
    await new Promise(setImmediate);
  }
  output.write('the next\n');
  assert.equal(chunks.at(-1), `\n${5_000 - keptLines} dropped\nthe next\n`);
  assert.equal(chunks.filter((text) => text === line).length, keptLines);
});
