import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Throws, naming the port, when nothing more can listen on it. */
export async function refuseBusy(host: string, port: number, what: string): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why = code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on (${code ?? error})`;
    throw new Error(`${what}, ${host}:${port}, ${why}`, { cause: error });
  } finally {
    server.close();
  }
}

/** Whether something accepts a connection there. */
export async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** The address at which this machine reaches a listener bound to `host`: every address includes the loopback one. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** The URL origin of a listener. */
export function originOf(host: string, port: number): string {
  const name = reachable(host);
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
