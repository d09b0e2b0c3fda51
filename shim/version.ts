import { readFileSync } from 'node:fs';

/** The version of the product, as its package.json has it. */
export function version(): string {
  // The built package has this file one folder deeper.
  const file = new URL(import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}
