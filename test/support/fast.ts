import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';

// The fast tests, in three processes that each run their files in themselves: a process for each file would spend more on
// starting than on testing.

const ARGS = ['--import', './test/support/must-end.ts', '--test', '--test-isolation=none', '--test-timeout=300000'];

/** The promises are two halves, which keep a core busy each; the other files are dealt out so that all end at about the same time. */
const files = globSync('test/*.test.ts').sort();
const [first = '', second = ''] = files.filter((file) => file.includes('in-process-'));
const others = files.filter((file) => file !== first && file !== second);
const groups = [
  [first],
  [second, ...others.filter((_, index) => index % 3 === 0)],
  others.filter((_, index) => index % 3 !== 0),
];

const ended = groups.map(async (group) => {
  const child = spawn(process.execPath, [...ARGS, ...group], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  process.stdout.write(Buffer.concat(chunks)); // each in one piece
  return code === 0;
});
if ((await Promise.all(ended)).includes(false)) process.exitCode = 1;
