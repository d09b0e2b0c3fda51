import { chmod, lstat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isServed } from '../envoy/socket-folder.ts';

/** Maximum bytes of a socket path: the size of `sockaddr_un` without its final zero. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** Socket mode: owner and group may connect. An Envoy of another user shares the group, or that of the folder (setgid). */
const SOCKET_MODE = 0o660;

/** The path of an address `unix:PATH`; undefined for any other. */
export function socketPathOf(address: string): string | undefined {
  return address.startsWith('unix:') ? address.slice('unix:'.length) : undefined;
}

/**
 * Removes a stale socket at `path`. Throws an Error when the path is too long, its folder is missing, a process listens
 * there, or something else is there.
 */
export async function clearSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new Error(`unix:${path} is too long: a socket's path has ${MAX_PATH_BYTES} bytes at most`);
  }
  const found = await lstat(path).catch(() => undefined);
  if (!found) {
    // Node would say EACCES.
    await lstat(dirname(path)).catch((cause) => {
      throw new Error(`unix:${path}: its folder ${dirname(path)} is not there`, { cause });
    });
    return;
  }
  if (!found.isSocket()) throw new Error(`unix:${path} is there, and is no socket: choose another path, or remove it`);
  if (await isServed(path)) throw new Error(`unix:${path} is in use: another process listens on it`);
  await unlink(path);
}

/** Makes a socket accessible to owner and group, whatever the umask. */
export async function openToGroup(path: string): Promise<void> {
  await chmod(path, SOCKET_MODE);
}
