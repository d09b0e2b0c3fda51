import { fileURLToPath } from 'node:url';
import { binaryOf } from './binary.ts';
import type { Runtime } from './runtime.ts';

/** Nothing but what is installed, and no lock file beside npm's. */
const INSTALLED = ['--no-check', '--no-lock', '--no-remote', '--node-modules-dir=manual', '--v8-flags=--expose-gc'];
const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/deno', import.meta.url));

/** Deno, if npm has installed one for this machine. */
export function findDeno(): Runtime | undefined {
  const binary = binaryOf('deno');
  if (!binary) return undefined;
  const args = {
    run: ['run', ...INSTALLED, '--allow-net=127.0.0.1', '--allow-env', '--allow-read'],
    start: ['run', ...INSTALLED, '--allow-run', '--allow-env', '--allow-read', '--allow-write', '--allow-sys'],
    test: ['test', ...INSTALLED, '--allow-env', '--allow-read', '--allow-write'],
  };
  const env = { DENO_DIR: CACHE, DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' };
  return { name: 'deno', binary, args, env };
}
