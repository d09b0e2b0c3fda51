import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HERE = import.meta.dirname;
/** Git, the formatter and the compiler leave a folder of this name alone. */
const CACHE = join(HERE, '../../node_modules/.cache');

/** Installs what npm has of a folder's `package.json`, here of the clients, unless it is there; resolves with the folder of its commands. */
export async function installNodeClients(folder = HERE): Promise<string> {
  const files = ['package.json', 'package-lock.json', '.npmrc'];
  const packages = join(folder, 'node_modules');
  await once(packages, await digest(folder, files), async (scratch) => {
    for (const file of files) await cp(join(folder, file), join(scratch, file));
    await tool('npm', ['ci', '--ignore-scripts'], scratch);
    return join(scratch, 'node_modules');
  });
  return join(packages, '.bin');
}

/** The same of PyPI and a folder's `requirements.txt`; resolves with the folder that Python is to look in. */
export async function installPythonClients(folder = HERE): Promise<string> {
  const version = await tool('python3', ['-c', 'import sys; print(sys.version_info[:2])'], HERE);
  const key = await digest(folder, ['requirements.txt'], version);
  const target = join(CACHE, `clients-python-${key.slice(0, 12)}`);
  await once(target, key, async (scratch) => {
    const made = join(scratch, 'packages');
    // A target folder and no venv: Debian's python3 has pip without what makes a venv.
    const args = [
      '--quiet',
      '--disable-pip-version-check',
      '--require-hashes',
      '--only-binary=:all:',
      '--target',
      made,
    ];
    await tool('python3', ['-m', 'pip', 'install', ...args, '-r', join(folder, 'requirements.txt')], scratch);
    return made;
  });
  return target;
}

/** Builds the client of async-openai, unless it is there; resolves with the program. */
export async function installRustClient(): Promise<string> {
  const files = ['Cargo.toml', 'Cargo.lock', 'src/main.rs'];
  const key = await digest(
    HERE,
    files.map((file) => join('rust', file)),
  );
  const target = join(CACHE, `clients-rust-${key.slice(0, 12)}`);
  await once(target, key, async (scratch) => {
    await cp(join(HERE, 'rust'), scratch, { recursive: true });
    // Our lock file has no address of a registry: cargo's own goes in.
    const lock = join(scratch, 'Cargo.lock');
    const locked = await readFile(lock, 'utf8');
    await rm(lock);
    await tool('cargo', ['generate-lockfile', '--quiet'], scratch);
    const [source] = /^source = .*\n/m.exec(await readFile(lock, 'utf8')) ?? [''];
    await writeFile(lock, locked.replace(/^checksum = /gm, `${source}$&`));
    await tool('cargo', ['build', '--quiet', '--locked', '--target-dir', 'target'], scratch);
    const made = join(scratch, 'program');
    await mkdir(made);
    await rename(join(scratch, 'target/debug/client'), join(made, 'client'));
    return made;
  });
  return join(target, 'client');
}

/** Compiles the client of openai-java, unless it is there; resolves with the class path that Java is to look in. */
export async function installJavaClient(): Promise<string> {
  const key = await digest(HERE, ['java/pom.xml', 'java/Client.java']);
  const target = join(CACHE, `clients-java-${key.slice(0, 12)}`);
  await once(target, key, async (scratch) => {
    await cp(join(HERE, 'java'), scratch, { recursive: true });
    const made = join(scratch, 'classes');
    const flags = ['--quiet', '--batch-mode', '--strict-checksums'];
    await tool('mvn', [...flags, 'dependency:copy-dependencies', `-DoutputDirectory=${made}`], scratch);
    await tool('javac', ['-d', made, '-cp', join(made, '*'), 'Client.java'], scratch);
    return made;
  });
  return `${target}:${join(target, '*')}`;
}

/** Why a client that these tools build cannot be tried here; `false` if it can. */
export function lacking(...tools: string[]): string | false {
  const lacks = tools.filter((name) => spawnSync(name, ['--version']).status !== 0);
  return lacks.length > 0 && `this machine has no ${lacks.join(' and no ')}`;
}

/** Has `target` filled for a key, whole or not at all: who comes second at the same time finds what the first made. */
async function once(target: string, key: string, fill: (scratch: string) => Promise<string>): Promise<void> {
  const filled = async () => (await readFile(join(target, '.made-of'), 'utf8').catch(() => '')) === key;
  if (await filled()) return;
  await mkdir(CACHE, { recursive: true });
  const scratch = await mkdtemp(join(CACHE, 'clients-'));
  try {
    const made = await fill(scratch);
    await writeFile(join(made, '.made-of'), key);
    await rm(target, { recursive: true, force: true });
    await rename(made, target).catch(async (error) => {
      if (!(await filled())) throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function digest(folder: string, files: readonly string[], ...more: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(join(folder, file)));
  for (const text of more) hash.update(text);
  return hash.digest('hex');
}

async function tool(name: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await run(name, args, { cwd })).stdout;
  } catch (error) {
    const said =
      error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').slice(-3) : [error];
    throw new Error(
      `The clients could not be installed: ${name} says "${said.join(' ')}". It takes the network, npm, and ` +
        'Python 3.11 with pip (Debian: apt install python3-pip).',
      { cause: error },
    );
  }
}
