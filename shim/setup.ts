import {
  type Config,
  ConfigError,
  type DatabaseUrls,
  type ModelConfig,
  readConfig,
  readSecretFiles,
} from '../handler/index.ts';
import { allOf } from './all-of.ts';
import { checkCosts } from './cel.ts';
import { checkOutside } from './check-outside.ts';
import { type ConfigFile, openConfigFile, placed, readText } from './config-file.ts';
import { DEFAULT_DATABASE } from './database.ts';
import { chooseModels, type Env } from './default-models.ts';
import type { Flags } from './flags.ts';
import { loadLimitsFor } from './limits.ts';
import type { Listeners } from './listeners.ts';
import { defaultInFlight } from './memory-limit.ts';
import { problemsBeside } from './problems-beside.ts';
import { readSecretFile } from './secret-file.ts';
import { readCertificates } from './server-ca.ts';
import type { Tls } from './tls.ts';

/** Where a configuration comes from. */
export interface ConfigSource {
  /** Its file. */
  file?: string | undefined;
  /** The configuration, with the keys of the file, where there is no file. Default: an empty one. */
  inline?: object | undefined;
  /** Source of `${NAME}`. */
  env: Env;
  /** Names of the backends that a root adds. */
  backends?: readonly string[];
  /** Gets each file that is read, and what it holds: a text, or why there is none. */
  filesRead?: Map<string, string>;
}

/**
 * Reads a configuration; throws an Error with a line for every mistake, each with its place in the file: those as well that a
 * start with these flags would find.
 */
export async function loadConfig(source: ConfigSource, flags: Partial<Flags> = {}): Promise<LoadedConfig> {
  const { file: path, inline = {}, env, backends = [], filesRead } = source;
  const noting = (read: (file: string) => Promise<string>) => async (file: string) => {
    const text = read(file);
    filesRead?.set(file, await text.catch(String));
    return text;
  };
  const file = path === undefined ? undefined : await openConfigFile(path, noting(readText));
  const written = file?.value ?? inline;
  const secrets = await readSecretFiles(written, env, noting(readSecretFile), noting(readCertificates));
  const context = { env, backends, secrets, defaults: { inFlight: defaultInFlight(Object(written).processes) } };
  const config = await placed(file, async () => {
    try {
      return readConfig(written, context);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const read = (part: object) => readConfig(part, { ...context, secrets: { ...secrets, problems: [] } });
      const beside = await problemsBeside(error.problems, written, { read, flags });
      throw new ConfigError([...error.problems, ...beside], error);
    }
  });
  return { file, config };
}

/** A configuration, and the file that it came from. */
export interface LoadedConfig {
  config: Config;
  file: ConfigFile | undefined;
}

/** All that a start has to know before it opens anything. */
export interface Setup extends LoadedConfig {
  models: ModelConfig[];
  /** Source of the models, in words. */
  from: string;
  listen: Listeners;
  tls: Record<'grpc' | 'http', Tls | undefined>;
  /** The database by its URLs. */
  database: DatabaseUrls;
}

/** Reads a configuration with the files that it names; throws an Error with a line for every mistake in all of it. */
export async function readSetup(source: ConfigSource, flags: Partial<Flags>): Promise<Setup> {
  const { config, file } = await loadConfig(source, flags);
  const { models, from } = config.models
    ? { models: config.models, from: source.file ?? 'the root' }
    : await chooseModels(source.env);
  const { database = DEFAULT_DATABASE } = config;
  return placed(file, async () => {
    const [{ listen, grpc, http }] = await allOf([
      checkOutside({ ...config, models, database }, flags),
      checkCosts(config),
      loadLimitsFor(config),
    ]);
    return { config, file, models, from, listen, tls: { grpc, http }, database };
  });
}
