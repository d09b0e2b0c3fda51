import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { DocsScript } from '../handler/index.ts';

/** Paths from here: of the script as the package has it, compressed, and as a clone has it with its development dependencies. */
const BUILT = '../docs/reference.js';
const INSTALLED = '../node_modules/@scalar/api-reference/dist/browser/standalone.js';

let found: Promise<DocsScript> | undefined;

/** The script of the page at `/docs`, read when it is first asked for; undefined in a clone without development dependencies. */
export async function findDocsScript(): Promise<DocsScript | undefined> {
  found ??= import.meta.url.endsWith('.ts') ? readInstalled() : readBuilt();
  try {
    return await found;
  } catch {
    found = undefined;
    return undefined;
  }
}

async function readBuilt(): Promise<DocsScript> {
  const [zipped, br] = [await read(`${BUILT}.gz`), await read(`${BUILT}.br`)];
  return { digest: digestOf(zipped), gzip: zipped, br };
}

async function readInstalled(): Promise<DocsScript> {
  const zipped = new Uint8Array(await promisify(gzip)(await read(INSTALLED)));
  return { digest: digestOf(zipped), gzip: zipped };
}

async function read(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(new URL(path, import.meta.url)));
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, 16);
}
