import { execFile } from 'node:child_process';
import { cp, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newFolder } from './folder.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

/** What a package is made of. */
const SOURCES = [
  'handler',
  'shim',
  'envoy',
  'exports',
  'proto',
  'package.json',
  'publish.js',
  'docs-script.js',
  'README.md',
  'LICENSE',
];
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json'];

/** A folder outside of the project, and the package as it is published in it. */
export interface Packed {
  dir: string;
  /** The path of the packed file. */
  tarball: string;
  /** The copy of the project that it was packed from. */
  project: string;
}

/** Packs a copy of the project, whose own package.json is then not written; all of it goes with the process. */
export async function pack(): Promise<Packed> {
  const dir = newFolder();
  const copy = join(dir, 'project');
  for (const name of [...SOURCES, ...SETTINGS]) await cp(join(ROOT, name), join(copy, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  await run('npm', ['pack', '--pack-destination', dir], { cwd: copy });
  const name = (await readdir(dir)).find((file) => file.endsWith('.tgz'));
  if (!name) throw new Error('npm pack has made no file');
  return { dir, tarball: join(dir, name), project: copy };
}

/** Installs packages, by name or path, into a new folder of a project that has no others, and gives its path. */
export async function install(folder: string, packages: readonly string[]): Promise<string> {
  await cp(join(ROOT, '.npmrc'), join(folder, '.npmrc'));
  await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}', { flag: 'wx' }).catch(() => {}); // an example has one
  await run('npm', ['install', '--no-package-lock', '--ignore-scripts', '--prefer-offline', ...packages], {
    cwd: folder,
  });
  return folder;
}
