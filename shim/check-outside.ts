import type { DatabaseUrls, ModelConfig } from '../handler/index.ts';
import { allOf } from './all-of.ts';
import { kindOf } from './database.ts';
import type { Flags } from './flags.ts';
import { addressesOf, isTcp, type Listeners, type ListeningConfig, listenersOf } from './listeners.ts';
import { refuseOwnListeners } from './own-listener.ts';
import { checkProcesses } from './processes/check.ts';
import { checkCertificates } from './server-ca.ts';
import { readTls, type Tls } from './tls.ts';

/** What is outside of a configuration: its listeners, and the files of those with TLS. */
export interface Outside {
  listen: Listeners;
  grpc: Tls | undefined;
  http: Tls | undefined;
}

/** What a configuration says of the outside, as far as that is checked: listeners, files, URLs, the database, processes. */
export interface SaidOfOutside extends ListeningConfig {
  models: readonly ModelConfig[];
  database: DatabaseUrls;
  processes: number;
}

/** Checks listeners, TLS files, servers' certificates, the database's URLs, the number of processes, and that no model is this server; throws a ConfigError with every mistake. */
export async function checkOutside(said: SaidOfOutside, flags: Partial<Flags>): Promise<Outside> {
  const placed = addressesOf(said, flags);
  const addresses = Object.values(placed).filter(isTcp);
  const [listen, grpc, http] = await allOf([
    listenersOf(said, flags),
    readTls('grpc', said.tls),
    readTls('http', said.tls),
    Promise.resolve(addresses).then((addresses) => refuseOwnListeners(said.models, addresses)),
    Promise.resolve(said.models).then(checkCertificates),
    Promise.resolve(said.database).then(kindOf),
    Promise.resolve({ ...said, listen: placed }).then((said) => checkProcesses(said)),
  ]);
  return { listen, grpc, http };
}
