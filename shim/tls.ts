import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { type Config, misconfigured } from '../handler/index.ts';

/** TLS files of a listener, as PEM; with `clientCa` only clients whose certificate it signed are accepted. */
export interface Tls {
  cert: Buffer;
  key: Buffer;
  clientCa?: Buffer | undefined;
}

/** Reads the files of `tls.NAME`; undefined without that key. Throws a ConfigError that names the key and the file. */
export async function readTls(name: 'grpc' | 'http', config: Config['tls']): Promise<Tls | undefined> {
  const files = config[name];
  if (!files) return undefined;
  const read = (key: 'cert' | 'key' | 'clientCa', file: string) =>
    readFile(file).catch((cause) => {
      throw misconfigured(`tls.${name}.${key}`, `is ${file}, which cannot be read: ${cause.message}`, { cause });
    });
  const [cert, key] = [await read('cert', files.cert), await read('key', files.key)];
  const clientCa = files.clientCa === undefined ? undefined : await read('clientCa', files.clientCa);
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : cause;
    throw misconfigured(`tls.${name}`, `has ${files.cert} and ${files.key}, which cannot be used: ${why}`, { cause });
  }
  try {
    if (clientCa) new X509Certificate(clientCa); // Node would accept anything, and then refuse all clients
  } catch (cause) {
    throw misconfigured(`tls.${name}.clientCa`, `is ${files.clientCa}, which holds no certificate`, { cause });
  }
  return { cert, key, clientCa };
}
