import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { installNodeClients, installPythonClients } from '../clients/install.ts';
import { freePort } from '../support/ports.ts';

const HERE = import.meta.dirname;

/** A real MCP server, with a tool that adds. */
export interface RealServer {
  name: string;
  url: string;
  /** The tool that adds `a` and `b`. */
  adds: string;
  /** A text of what it gives of 2 and 3. */
  sum: string;
  /** The tool that takes `duration` seconds in `steps`. */
  waits: string;
}

/** Real servers that run, and how they are ended. */
export interface RealServers {
  servers: RealServer[];
  /** Of those that have addresses, host and port. */
  hosts: string[];
  stop(): Promise<void>;
}

/** Starts the server of npm over streamable HTTP and over SSE. */
export async function startNpmServers(): Promise<RealServers> {
  await installNodeClients(HERE);
  const program = join(HERE, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
  const start = async (transport: string, path: string) => {
    const port = await freePort();
    const child = spawn(process.execPath, [program, transport], { env: { PATH: process.env.PATH, PORT: `${port}` } });
    const name = `server-everything, ${transport}`;
    const [adds, waits] = ['get-sum', 'trigger-long-running-operation'];
    return { child, port, server: { name, url: `http://127.0.0.1:${port}${path}`, adds, sum: 'is 5', waits } };
  };
  return started(await Promise.all([start('streamableHttp', '/mcp'), start('sse', '/sse')]));
}

/** Starts the servers of PyPI, whose tool `work` adds its key to the lines of the file `worked`. */
export async function startPyPiServers(worked = devNull): Promise<RealServers> {
  const packages = await installPythonClients(HERE);
  const start = async (name: string) => {
    const port = await freePort();
    const env = { PATH: process.env.PATH, PYTHONPATH: packages, FASTMCP_CHECK_FOR_UPDATES: 'off', WORKED: worked };
    const child = spawn('python3', [join(HERE, 'servers.py'), name, `${port}`], { env });
    return { child, port, server: { name, url: `http://127.0.0.1:${port}/mcp`, adds: 'add', sum: '5', waits: 'wait' } };
  };
  return started(await Promise.all([start('fastmcp'), start('mcp')]));
}

interface Starting {
  child: ChildProcess;
  port: number;
  server: RealServer;
}

async function started(all: readonly Starting[]): Promise<RealServers> {
  let text = '';
  for (const { child } of all)
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  const stop = async () => {
    await Promise.all(
      all.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'close');
      }),
    );
  };
  for (const { child, port, server } of all) {
    while (!(await answers(port))) {
      if (child.exitCode === null) continue;
      await stop();
      throw new Error(`${server.name} has ended: ${text.slice(-2_000)}`);
    }
  }
  return { servers: all.map(({ server }) => server), hosts: all.map(({ port }) => `127.0.0.1:${port}`), stop };
}

/** Whether something answers at a port, whatever it says. */
async function answers(port: number): Promise<boolean> {
  try {
    await fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD' });
    return true;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return false;
  }
}
