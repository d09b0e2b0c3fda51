import { zstdDecompressSync } from 'node:zlib';
import { startEnvoy } from '../../envoy/run.ts';
import { type Ingress, parseConfig } from '../../handler/index.ts';
import { serveHttp } from '../../shim/http.ts';
import { serveGrpc } from '../../shim/server.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { type ScriptedModel, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import type { ScriptedWeb } from '../support/scripted-web.ts';
import { startSnowyWeb } from '../support/web-scene.ts';

/** A request as the product got it. */
export interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into what was sent without a schema
  body: any;
}

/** The product behind a real Envoy, for clients that are processes of their own. */
export interface ClientsDoor {
  /** What a client is told as its base URL. */
  readonly baseUrl: string;
  readonly model: ScriptedModel;
  /** What `web_search` searches. */
  readonly web: ScriptedWeb;
  /** The requests so far whose body names a model. */
  sent(model: string): Sent[];
  close(): Promise<void>;
}

/** No limit may end what a test holds its client to have ended, or a wait for a refusal; silent streams get comments all the time. */
const LIMITS = { idle: '300s', turn: '300s', keepAlive: '50ms', head: '10s' };
const shimLimits = { body: 32 * 1024 * 1024, reply: 4 * 1024 * 1024, time: 300_000 };

/**
 * Opens the product, with more of a configuration if need be, and writes down what it is sent. Without `sockets` Envoy has
 * no route for them, as with a configuration of an earlier version.
 */
export async function openForClients(more: object = {}, sockets = true): Promise<ClientsDoor> {
  const model = await startScriptedModel();
  const web = await startSnowyWeb();
  const tools = [{ http: { name: 'clock', description: 'The time.', url: `${model.functionsUrl}/200/clock` } }];
  const models = [{ match: 'scripted-*', backend: 'chat', url: model.url, key: 'test-key' }];
  const mcp = ['crm', 'asks', 'work'].map((label) => ({
    ...{ label, url: new URL(`/mcp/${label}`, model.url).href },
    requireApproval: label === 'asks' ? 'always' : 'never',
  }));
  const hosted = {
    web_search: { provider: 'searxng', url: web.origin },
    code_interpreter: { mcp: 'work', tool: 'run' },
    file_search: { mcp: 'work', tool: 'look_up' },
    image_generation: { mcp: 'work', tool: 'draw' },
  };
  const config = parseConfig({ models, tools, mcp, hosted, limits: LIMITS, ...more });
  const handler = await testHandler(model, { config });
  const requests: Sent[] = [];
  const fetch = async (request: Request, { upgrade }: Ingress) => {
    if (upgrade) {
      const headers = Object.fromEntries(request.headers);
      const note = (message: unknown) => {
        const body = bodyOf(new TextEncoder().encode(String(message)), {});
        requests.push({ method: 'WebSocket', path: new URL(request.url).pathname, headers, body });
      };
      const noting: Ingress['upgrade'] = (serve, told) =>
        upgrade((socket) => serve({ ...socket, messages: noted(socket.messages, note) }), told);
      return handler.fetch(request, { upgrade: noting });
    }
    const [whole, copy] = [request, request.clone()];
    const { method, url } = copy;
    const bytes = new Uint8Array(await copy.arrayBuffer());
    const headers = Object.fromEntries(copy.headers);
    requests.push({ method, path: new URL(url).pathname, headers, body: bodyOf(bytes, headers) });
    return handler.fetch(whole);
  };
  const address = `127.0.0.1:${await freePort()}`;
  const shim = await serveGrpc({ address, fetch, limits: shimLimits, log: () => {} });
  const at = { host: '127.0.0.1', port: await freePort() };
  const http = sockets ? await serveHttp({ ...at, fetch, log: () => {} }) : undefined;
  const ports = { grpcPort: shim.port, httpPort: http?.port, envoyPort: await freePort() };
  const envoy = await startEnvoy({ mode: 'streamed', ...ports });
  return {
    baseUrl: `${envoy.origin}/v1`,
    model,
    web,
    sent: (name) => requests.filter(({ body }) => body?.model === name),
    async close() {
      await envoy.stop();
      await shim.close();
      await http?.close();
      await handler.close();
      await model.close();
      await web.close();
    },
  };
}

/** Messages, each of which is noted as it is read. */
async function* noted(messages: AsyncIterable<unknown>, note: (message: unknown) => void): AsyncGenerator<unknown> {
  for await (const message of messages) {
    note(message);
    yield message;
  }
}

function bodyOf(bytes: Uint8Array, headers: Record<string, string>): unknown {
  try {
    const plain = headers['content-encoding'] === 'zstd' ? zstdDecompressSync(bytes) : bytes;
    return JSON.parse(new TextDecoder().decode(plain));
  } catch {
    return undefined;
  }
}
