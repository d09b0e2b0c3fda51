import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { ConfigError, type ConfigProblem, fixedLimits, type ModelConfig } from '../handler/index.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** The text of a file of certificates. Rejects with an Error that names it if it cannot be read, is no regular file, is too large, or has none. */
export async function readCertificates(file: string): Promise<string> {
  const found = await stat(file).catch((cause) => cannotRead(file, cause));
  if (!found.isFile()) throw new Error(`${file} is no regular file`); // a pipe would be waited for
  if (found.size > fixedLimits.caFile) throw new Error(`${file} is larger than ${fixedLimits.caFile} bytes`);
  const text = await readFile(file, 'utf8').catch((cause) => cannotRead(file, cause));
  if (!text.match(CERTIFICATE)) throw new Error(`${file} holds no certificate as PEM`);
  return text;
}

function cannotRead(file: string, cause: Error): never {
  throw new Error(`cannot read ${file}: ${cause.message}`, { cause });
}

/** Throws a ConfigError for each `ca` with a certificate that cannot be read: Node would pass over it, and then trust nobody. */
export function checkCertificates(models: readonly ModelConfig[]): void {
  const places = models.flatMap((model, index) => {
    if ('keys' in model) return [];
    const at = ['models', String(index)];
    const others = model.to?.map(({ ca }, server) => ({ ca, path: [...at, 'to', String(server), 'ca'] })) ?? [];
    return [{ ca: model.ca, path: [...at, 'ca'] }, ...others];
  });
  const problems = places.flatMap(({ ca, path }): ConfigProblem[] => {
    if (ca === undefined) return [];
    const all = ca.match(CERTIFICATE) ?? [];
    const wrong = all.findIndex((pem) => !isCertificate(pem));
    if (all.length > 0 && wrong < 0) return [];
    const which = all.length > 1 ? `number ${wrong + 1} of its certificates` : 'its certificate';
    return [{ path, says: `cannot be used: ${which} is not whole, or none` }];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
