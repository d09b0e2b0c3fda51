import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { newFolder } from '../test/support/folder.ts';
import { freePort } from '../test/support/ports.ts';
import { type Child, startProgram } from './children.ts';
import { firstAnswer } from './first-answer.ts';

const run = promisify(execFile);

/** Other servers of the Responses API, by the name of their package in PyPI. */
export type PeerName = 'agentic-api' | 'smg';

/** Where a peer listens, whom it asks, and a folder and a port for what else it needs. */
interface Surroundings {
  port: number;
  mock: string;
  folder: string;
  metrics: number;
}

interface Peer {
  version: string;
  command: string;
  args(surroundings: Surroundings): string[];
}

/**
 * As their own commands start them, with two exceptions in their favour: they log no requests, and they call the model by its
 * Responses API and without a stream, as they do when their client wants none. agentic-api keeps its state in SQLite, smg in memory.
 */
const PEERS: Readonly<Record<PeerName, Peer>> = {
  'agentic-api': {
    version: '0.9.0',
    command: 'agentic-server',
    args: ({ port, mock, folder }) => [
      ...['--llm-api-base', mock, '--skip-llm-ready-check'],
      ...['--gateway-host', '127.0.0.1', '--gateway-port', `${port}`],
      ...['--db-url', `sqlite://${join(folder, 'agentic.db')}`],
    ],
  },
  smg: {
    version: '1.13.0',
    command: 'smg',
    args: ({ port, mock, metrics }) => [
      ...['launch', '--backend', 'openai', '--worker-urls', mock, '--history-backend', 'memory'],
      ...['--host', '127.0.0.1', '--port', `${port}`, '--log-level', 'warn', '--shutdown-grace-period-secs', '1'],
      ...['--prometheus-host', '127.0.0.1', '--prometheus-port', `${metrics}`],
    ],
  },
};

/** How long a peer may take until its first right answer, in milliseconds. */
const START_LIMIT = 30_000;

/** A peer that runs. */
export interface RunningPeer extends Child {
  name: PeerName;
  port: number;
}

/** Installs the peers where they are not yet, and starts those that can be; `say` hears why one cannot. */
export async function startPeers(mockPort: number, say: (line: string) => void): Promise<RunningPeer[]> {
  const running: RunningPeer[] = [];
  // Object.entries forgets which names there are.
  for (const [name, peer] of Object.entries(PEERS) as [PeerName, Peer][]) {
    try {
      running.push(await startPeer(name, peer, mockPort, say));
    } catch (error) {
      const why = error instanceof Error ? error.message.trim() : error;
      say(`${name} ${peer.version} is left out, since it could not be installed or started: ${why}`);
    }
  }
  return running;
}

async function startPeer(
  name: PeerName,
  peer: Peer,
  mockPort: number,
  say: (line: string) => void,
): Promise<RunningPeer> {
  const folder = newFolder();
  const [port, metrics] = [await freePort(), await freePort()];
  const command = await installed(name, say);
  const args = peer.args({ port, metrics, folder, mock: `http://127.0.0.1:${mockPort}` });
  const child = await startProgram({ name, command, args, folder, env: { HOME: folder, RUST_LOG: 'warn' } });
  try {
    await firstAnswer(port, START_LIMIT);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return { ...child, name, port };
}

/** The path of a peer's command, in an environment of its own below node_modules. */
export async function installed(name: PeerName, say: (line: string) => void): Promise<string> {
  const { version, command } = PEERS[name];
  const venv = fileURLToPath(new URL(`../node_modules/.cache/peers/${name}-${version}`, import.meta.url));
  const path = join(venv, 'bin', command);
  const there = () =>
    access(path).then(
      () => true,
      () => false,
    );
  if (await there()) return path;
  say(`installing ${name} ${version} from PyPI, once`);
  await run('python3', ['-m', 'venv', venv]);
  await run(join(venv, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', `${name}==${version}`]);
  return path;
}
