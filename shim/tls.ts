import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { type Config, misconfigured } from '../handler/index.ts';
import { allOf } from './all-of.ts';

/** TLS files of a listener, as PEM; with `clientCa` only clients whose certificate it signed are accepted. */
export interface Tls {
  cert: Buffer;
  key: Buffer;
  clientCa?: Buffer | undefined;
}

/** Reads the files of `tls.NAME`; undefined without that key. Throws a ConfigError that names each key and file that is wrong. */
export async function readTls(name: 'grpc' | 'http', config: Config['tls']): Promise<Tls | undefined> {
  const files = config[name];
  if (!files) return undefined;
  const read = (key: 'cert' | 'key' | 'clientCa', file: string) =>
    readFile(file).catch((cause) => {
      throw misconfigured(`tls.${name}.${key}`, `is ${file}, which cannot be read: ${cause.message}`, { cause });
    });
  const readPair = async () => {
    const [cert, key] = await allOf([read('cert', files.cert), read('key', files.key)]);
    try {
      createSecureContext({ cert, key });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : cause;
      throw misconfigured(`tls.${name}`, `has ${files.cert} and ${files.key}, which cannot be used: ${why}`, { cause });
    }
    return { cert, key };
  };
  const readCa = async () => {
    if (files.clientCa === undefined) return undefined;
    const clientCa = await read('clientCa', files.clientCa);
    try {
      new X509Certificate(clientCa); // Node would accept anything, and then refuse all clients
    } catch (cause) {
      throw misconfigured(`tls.${name}.clientCa`, `is ${files.clientCa}, which holds no certificate`, { cause });
    }
    return clientCa;
  };
  const [pair, clientCa] = await allOf([readPair(), readCa()]);
  return { ...pair, clientCa };
}
