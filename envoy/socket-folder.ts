import { lstat, mkdtemp, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'antiphon-sockets-';
/** Age from which a folder may be stale: before, its process may still be about to listen. Envoy is given 30 s to start. */
const MIN_AGE_MS = 60_000;

/** A new folder for unix sockets that only this user may enter. */
export interface SocketFolder {
  path: string;
  /** Removes the folder and all that is in it. */
  remove(): Promise<void>;
}

/** Creates a folder for unix sockets in the temporary directory, and removes those that killed processes have left there. */
export async function newSocketFolder(): Promise<SocketFolder> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names.filter((name) => name.startsWith(PREFIX))) {
    await removeStale(join(tmpdir(), name)).catch(() => {}); // another process was faster, or it is not ours
  }
  const path = await mkdtemp(join(tmpdir(), PREFIX)); // 0700, whatever the umask
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Removes a folder of this user in which nobody listens. Not by a process id in its name: the first process of a
 * restarted container has the id of the one that died.
 */
async function removeStale(folder: string): Promise<void> {
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || Date.now() - found.mtimeMs < MIN_AGE_MS) return;
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) if (!entry.isSocket() || (await isServed(join(folder, entry.name)))) return;
  for (const { name } of entries) await unlink(join(folder, name));
  await rmdir(folder); // fails if a socket came in between, which then stays
}

/** Whether a process listens on the socket at `path`; one that we may not connect to counts as such. */
export function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
