import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { newFolder } from './folder.ts';
import { freePort } from './ports.ts';

/** A real PgBouncer in front of a server of PostgreSQL. */
export interface PgBouncer {
  port: number;
  readonly pid: number;
  /** The same database by way of it. */
  at(url: string): string;
  /** Runs a command of its console, as `RELOAD`, and gives the rows. */
  command(text: string): Promise<Record<string, unknown>[]>;
  /** Exchanges its settings, as `pool_mode = session`, and reloads them. */
  configure(settings: readonly string[]): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
}

/** The program: Debian's, or another that the variable PGBOUNCER names. */
const PROGRAM = process.env.PGBOUNCER ?? '/usr/sbin/pgbouncer';

/** Why its tests are skipped where it is not installed; false where it is. */
export const noPgBouncer =
  !existsSync(PROGRAM) && 'there is no PgBouncer here: apt-get install --no-install-recommends pgbouncer';

/** Nobody's: it refuses to be root. */
const NOBODY = 65_534;
const who = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** What ends those that were started. */
const running = new Set<() => void>();

/** Its version, as `[1, 18]`. */
export function pgBouncerVersion(): [number, number] {
  const [, major, minor] =
    /PgBouncer (\d+)\.(\d+)/.exec(spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' }).stdout) ?? [];
  return [Number(major), Number(minor)];
}

/** Starts one in front of the server at a port, in transaction mode; `settings` are further lines of its configuration. */
export async function startPgBouncer(serverPort: number, settings: readonly string[] = []): Promise<PgBouncer> {
  const folder = newFolder();
  chmodSync(folder, 0o755);
  const port = await freePort();
  const [file, users] = [join(folder, 'pgbouncer.ini'), join(folder, 'users.txt')];
  writeFileSync(users, ['postgres', 'owner', 'app'].map((name) => `"${name}" ""\n`).join(''));
  const write = (settings: readonly string[]) =>
    writeFileSync(
      file,
      [
        '[databases]',
        `* = host=127.0.0.1 port=${serverPort}`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${port}`,
        'unix_socket_dir =',
        'auth_type = trust',
        `auth_file = ${users}`,
        'admin_users = postgres',
        'pool_mode = transaction',
        'server_login_retry = 1', // it remembers for so many seconds that the server is away
        ...settings,
        '',
      ].join('\n'),
    );
  write(settings);
  const console = Object.assign(new URL('postgres://postgres@127.0.0.1/pgbouncer'), { port: `${port}` }).href;
  const command = async (text: string) => {
    const client = new pg.Client(console);
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  };
  let child: ReturnType<typeof spawn> | undefined;
  const start = async () => {
    const started = spawn(PROGRAM, [file], { ...who, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    started.unref(); // it ends with the process
    child = started;
    let said = '';
    started.stderr?.on('data', (text) => {
      said = `${said}${text}`.slice(-4096);
    });
    (started.stderr as unknown as { unref?(): void } | null)?.unref?.();
    while (!(await command('SHOW VERSION').catch(() => undefined))) {
      if (started.exitCode !== null) throw new Error(`pgbouncer ended with ${started.exitCode}: ${said}`);
      await sleep(20);
    }
  };
  if (running.size === 0)
    process.once('exit', () => {
      for (const kill of running) kill();
    });
  running.add(() => void child?.kill('SIGKILL'));
  await start();
  return {
    port,
    get pid() {
      return child?.pid ?? 0;
    },
    at: (url) => Object.assign(new URL(url), { port: `${port}` }).href,
    command,
    async configure(settings) {
      write(settings);
      await command('RELOAD');
    },
    async stop(signal = 'SIGKILL') {
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      child.ref();
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    },
    start,
  };
}
