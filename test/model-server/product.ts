import { join } from 'node:path';
import OpenAI from 'openai';
import { createHandler, parseConfig, type Tool } from '../../handler/index.ts';
import { openDatabase } from '../../shim/database.ts';
import { serveHttp } from '../../shim/http.ts';
import { createTransport } from '../../shim/transport.ts';
import { newFolder } from '../support/folder.ts';
import { freePort } from '../support/ports.ts';
import type { BackendName } from './direct.ts';
import { type Exchange, tap } from './tap.ts';
import type { Target } from './target.ts';

/** The product in front of the server under test. */
export interface Product {
  /** The official client, asking through the product. */
  client: OpenAI;
  /** What the product and the server said to one another. */
  exchanges: Exchange[];
  close(): Promise<void>;
}

/** Whether the configuration knows a backend of this name. */
export function isKnown(backend: BackendName): boolean {
  try {
    parseConfig(configOf({ url: 'http://127.0.0.1/v1', key: undefined }, backend));
    return true;
  } catch {
    return false;
  }
}

/** Opens the handler over HTTP, on a new database, with the server under test behind it, and with these tools. */
export async function openProduct(target: Target, backend: BackendName, tools: readonly Tool[] = []): Promise<Product> {
  const dir = newFolder();
  const database = await openDatabase(`sqlite:${join(dir, 'a.db')}`);
  const backends = createTransport();
  const { transport, exchanges } = tap(backends.transport);
  const { fetch } = createHandler({ config: parseConfig(configOf(target, backend)), transport, database, tools });
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, log: () => {} });
  return {
    client: new OpenAI({ baseURL: `http://127.0.0.1:${server.port}/v1`, apiKey: 'unused', maxRetries: 0 }),
    exchanges,
    async close() {
      await server.close();
      await backends.close();
      await database.close();
    },
  };
}

function configOf({ url, key }: Pick<Target, 'url' | 'key'>, backend: BackendName): unknown {
  return { models: [{ match: '*', backend, url, ...(key && { key }) }] };
}
