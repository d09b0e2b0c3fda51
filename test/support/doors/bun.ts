import { binaryOf } from './binary.ts';
import type { Runtime } from './runtime.ts';

/** Bun, if npm has installed one for this machine; it runs nothing but what is installed. */
export function findBun(): Runtime | undefined {
  const binary = binaryOf('bun');
  if (!binary) return undefined;
  const settings = ['--no-install', '--no-env-file', '--expose-gc'];
  // By itself it gives up a test after five seconds, whatever the test says of its time; the file as a whole has a limit.
  const run = ['run', ...settings];
  const args = { run, start: run, test: ['test', ...settings, '--timeout=60000'] };
  return { name: 'bun', binary, args, env: { DO_NOT_TRACK: '1', NO_COLOR: '1' } };
}
