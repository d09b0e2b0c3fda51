import { chmod, lstat, mkdtemp, rm, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Most bytes of a socket's path: what `sockaddr_un` holds before its final zero. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** Its owner and its group may connect: an Envoy of another user shares the group, or the folder's (setgid). */
const SOCKET_MODE = 0o660;

/**
 * Makes way for a new socket at `path`: removes one that a process left behind. Throws an Error for a path that is too long
 * or in no folder, where a process listens, or where something else is.
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

/** Gives a socket that is listened on to its owner and group; what the umask took from them is given back. */
export async function openToGroup(path: string): Promise<void> {
  await chmod(path, SOCKET_MODE);
}

/** Sockets for a child process of ours alone. */
export interface PrivateSockets {
  grpc: string;
  http: string;
  /** Removes their folder. */
  remove(): Promise<void>;
}

/** Paths of sockets in a new folder that only this user may enter. */
export async function privateSockets(): Promise<PrivateSockets> {
  const folder = await mkdtemp(join(tmpdir(), 'antiphon-')); // 0700, whatever the umask
  return {
    grpc: join(folder, 'grpc.sock'),
    http: join(folder, 'http.sock'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Whether a process accepts connections there; one that we may not ask counts as such. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
