import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Throws an Error that names the port when it cannot be listened on. */
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

/** Whether a process accepts connections there. */
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

/** The address for reaching a listener bound to `host`: the loopback when it is bound to all addresses. */
export function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** The URL origin of a listener. */
export function originOf(host: string, port: number): string {
  const name = reachable(host);
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
