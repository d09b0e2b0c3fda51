import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MODULES = new URL('../../../node_modules/', import.meta.url);

/**
 * The binary of a runtime that npm has installed, or undefined if there is none for this machine. The package has a
 * dependency for each platform; where install scripts may run, bun's moves the binary into its own folder.
 */
export function binaryOf(name: 'deno' | 'bun'): string | undefined {
  const { optionalDependencies } = JSON.parse(readFileSync(new URL(`${name}/package.json`, MODULES), 'utf8'));
  const folders = [...Object.keys(optionalDependencies), name];
  return folders
    .flatMap((folder) => [`${folder}/${name}`, `${folder}/bin/${name}`, `${folder}/bin/${name}.exe`])
    .map((path) => fileURLToPath(new URL(path, MODULES)))
    .find((path) => existsSync(path) && spawnSync(path, ['--version']).status === 0);
}
