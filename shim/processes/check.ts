import { ConfigError, type ConfigProblem, type DatabaseUrls } from '../../handler/index.ts';
import { hostAndPort, isTcp, type Listeners } from '../listeners.ts';

/** Systems on which several processes can listen on one port. */
const SHARE_PORTS = new Set(['linux', 'freebsd', 'aix', 'sunos']);

const LAST_PORT = 65_535;

/** What the number of processes has to fit. */
export interface ProcessesConfig {
  processes: number;
  database: DatabaseUrls;
  listen: Listeners;
}

/** Throws a ConfigError with everything that keeps several processes from sharing a database and their listeners. */
export function checkProcesses({ processes, database, listen }: ProcessesConfig, platform = process.platform): void {
  if (processes === 1) return;
  const problems: ConfigProblem[] = [];
  const wrong = (path: string[], says: string) => problems.push({ path, says });
  if (database.url === 'sqlite::memory:') {
    wrong(
      ['processes'],
      `is ${processes}, and a database in memory is of one: name a file, such as sqlite:./data/antiphon.db`,
    );
  }
  if (isTcp(listen.http)) {
    if (!SHARE_PORTS.has(platform)) {
      wrong(['listen', 'http'], `is a port, which processes cannot share on ${platform}: write off, or unix:PATH`);
    } else if (hostAndPort(listen.http)[1] === 0)
      wrong(['listen', 'http'], 'is any free port, and processes share one: name it');
  }
  const [, first] = isTcp(listen.grpc) ? hostAndPort(listen.grpc) : ['', 0];
  const last = first + processes - 1;
  if (first > 0) {
    if (last > LAST_PORT)
      wrong(['listen', 'grpc'], `is the first of ${processes} ports, and there are ${LAST_PORT} alone`);
    for (const name of ['http', 'envoy', 'admin'] as const) {
      const [, port] = isTcp(listen[name]) ? hostAndPort(listen[name]) : ['', 0];
      if (port > first && port <= last) {
        wrong(
          ['listen', name],
          `has port ${port}, one of those of ${processes} processes from listen.grpc on, ${first} to ${last}`,
        );
      }
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}
