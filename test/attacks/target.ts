import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import type { TestContext } from 'node:test';
import { newFolder } from '../support/folder.ts';
import { type ScriptedModel, startScriptedModel } from '../support/model/scripted.ts';
import { startCommand, writeConfig } from '../support/product.ts';

/** The ways in that an attack is tried by. */
export type AttackDoor = 'http' | 'envoy';

/** The product under attack, a process of its own. */
export interface Target {
  door: AttackDoor;
  /** Host and port of the door. */
  host: string;
  port: number;
  model: ScriptedModel;
  /** Bytes of the product that are in memory now. */
  resident(): number;
  alive(): boolean;
}

/** What comes back: a status, or `cut` where the connection ended without one. */
export type Answer = number | 'cut';

/** The memory budget of the attacked product: small, since the default is a quarter of the machine. */
export const IN_FLIGHT = 320;

/** Starts the product with a scripted model and a small `limits.inFlight`; it ends with the test. */
export async function startTarget(t: TestContext, door: AttackDoor): Promise<Target> {
  const folder = newFolder();
  const model = await startScriptedModel();
  const config = await writeConfig(folder, {
    models: [{ match: '*', backend: 'chat', url: model.url }],
    limits: { inFlight: `${IN_FLIGHT}MiB` },
  });
  const args = ['-config', config, '-log-level', 'error', ...(door === 'http' ? ['-no-envoy'] : [])];
  const product = await startCommand(args);
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
    await model.close();
  });
  if (!/is ready/.test(product.stderr())) throw new Error(product.stderr());
  let ended = false;
  void product.exited.then(() => (ended = true));
  const { hostname, port } = new URL(product[door]);
  return {
    door,
    host: hostname,
    port: Number(port),
    model,
    alive: () => !ended,
    resident: () => Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${product.pid}/status`, 'latin1'))?.[1]) * 1024,
  };
}

/** Characters of a reply that the attacker keeps, so that it does not become the bottleneck. */
const KEPT = 10_000;

/** One request as it is sent. */
export interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  /** The address that it comes from; every address of 127.0.0.0/8 is this machine. */
  from?: string;
}

/** Sends a request on a connection of its own, reads the whole reply, and gives its status and the beginning of its text. */
export async function ask(target: Target, sent: Sent): Promise<{ status: Answer; text: string }> {
  const { method = 'POST', path = '/v1/responses', headers = {}, body = '', from = '127.0.0.1' } = sent;
  const { promise, resolve } = Promise.withResolvers<{ status: Answer; text: string }>();
  const outgoing = request(
    {
      host: target.host,
      port: target.port,
      method,
      path,
      agent: false,
      localAddress: from,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
    },
    async (reply: IncomingMessage) => {
      let text = '';
      try {
        for await (const chunk of reply) if (text.length < KEPT) text += chunk.toString('latin1');
      } catch {
        return resolve({ status: 'cut', text });
      }
      resolve({ status: reply.statusCode ?? 'cut', text });
    },
  );
  outgoing.on('error', () => resolve({ status: 'cut', text: '' }));
  outgoing.end(body);
  return promise;
}
