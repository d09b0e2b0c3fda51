import { didYouMean } from '../handler/index.ts';
import { auditCommandEvents } from './audit/once.ts';
import { placed } from './config-file.ts';
import { DEFAULT_DATABASE, kindOf, openDatabase } from './database.ts';
import type { Env } from './default-models.ts';
import { loadConfig } from './setup.ts';
import { openStorage } from './storage.ts';

/** Runs `secrets` with the arguments behind it, beside servers that use the database; throws an Error that says what is wrong. */
export async function secrets(args: readonly string[], env: Env, say: (text: string) => void): Promise<void> {
  const { config, file } = await loadConfig({ file: configOf(args), env });
  const { database: urls = DEFAULT_DATABASE, synchronous, audit } = config;
  await placed(file, () => kindOf(urls));
  if (config.secrets.length === 0) throw new Error('the configuration has no `secrets`');
  if (urls.url === 'sqlite::memory:') throw new Error('the database is in memory, and ends with its process');
  const database = await openDatabase(urls, synchronous);
  try {
    const { encryption } = await placed(file, () => openStorage(config, database));
    const { encryptPlain, rewrapTenantKeys } = await import('../handler/encryption/index.ts');
    const counts = await rewrapTenantKeys(database, config.secrets);
    await auditCommandEvents(audit, [{ action: 'secrets_rotated' }], say);
    for (const [secret, count] of counts) say(`${count} keys of tenants that ${secret} had wrapped are wrapped anew`);
    if (counts.size === 0) say('No key of a tenant is wrapped by another secret than the first.');
    if (encryption && config.encryptAtRest) {
      const texts = await encryptPlain(database, encryption.shared);
      if (texts > 0)
        say(
          `${texts} texts were plain, from before \`encryptAtRest\`, and are encrypted now. What they were stays in free pages until vacuum.`,
        );
    }
    say('The other secrets may go once clients have nothing more that they sealed: compactions, reasoning.');
  } finally {
    await database.close();
  }
}

/** The file of the configuration, of the arguments behind `secrets`; throws an Error that says what is wrong. */
function configOf([word, ...rest]: readonly string[]): string | undefined {
  if (word !== 'rotate') {
    const given = word === undefined ? 'secrets needs' : `"${word}" is none of secrets'`;
    throw new Error(`${given} one of rotate${didYouMean(word, ['rotate'])} (see secrets -help)`);
  }
  const [flag, ...values] = rest;
  if (flag === undefined) return undefined;
  const [, name, inline] = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(flag) ?? [];
  if (name === undefined) throw new Error(`unexpected argument "${flag}" (see secrets -help)`);
  if (name !== 'config')
    throw new Error(
      `unknown flag -${name}${didYouMean(name, ['config']).replace('mean ', 'mean -')} (see secrets -help)`,
    );
  const value = inline ?? values.shift();
  if (!value) throw new Error('flag -config needs a value');
  if (values[0] !== undefined) throw new Error(`unexpected argument "${values[0]}" (see secrets -help)`);
  return value;
}
