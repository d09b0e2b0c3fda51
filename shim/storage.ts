import { type Config, type Database, type Encryption, keyOfEachSecret, misconfigured } from '../handler/index.ts';
import { librariesFor } from './libraries.ts';

/** A database as commands read it. */
export interface Storage {
  database: Database;
  encryption: Encryption | undefined;
}

/**
 * Opens what is encrypted in a database; rejects with a ConfigError if the configuration's secrets do not. `unreadable` is told why some of it
 * cannot be read.
 */
export async function openStorage(
  config: Config,
  database: Database,
  unreadable?: (partition: string, error: Error) => void,
): Promise<Storage> {
  const { secrets, encryptAtRest: encrypts } = config;
  const keys = await keyOfEachSecret(database);
  const { openEncryption } = await librariesFor(config);
  if (keys.length > 0 && !openEncryption)
    throw misconfigured('secrets', 'is needed: something in the database is encrypted');
  const encryption = openEncryption?.({ database, secrets, encrypts, unreadable, dropped() {} });
  await encryption?.check(keys, secrets);
  return { database: encryption?.shared ?? database, encryption };
}
