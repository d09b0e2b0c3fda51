import { startEnvoy } from '../../../envoy/run.ts';
import { serveHttp } from '../../../shim/http.ts';
import { serveGrpc } from '../../../shim/server.ts';
import { startScriptedModel } from '../model/scripted.ts';
import { freePort } from '../ports.ts';
import { type Door, doorAt } from './door.ts';
import { type Chosen, testHandler } from './in-process.ts';

/** What the shim allows in tests: the handler's own default for a body, and more time than its limit on a turn. */
const limits = { body: 32 * 1024 * 1024, reply: 4 * 1024 * 1024, time: 60_000 };

/** The product behind a real Envoy in one of its three modes; `version` asks for another than the default. */
export async function openEnvoy(
  mode: 'streamed' | 'buffered' | 'original',
  version?: string,
  chosen?: Chosen,
): Promise<Door> {
  const model = await startScriptedModel();
  const { fetch, memory } = await testHandler(model, chosen);
  const address = `127.0.0.1:${await freePort()}`;
  // As the product has it for the Envoy that it starts.
  const shim = await serveGrpc({ address, fetch, limits, rebindable: true, memory, log: () => {} });
  const http = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, memory, log: () => {} });
  const [grpcPort, httpPort] = [shim.port, http.port];
  const envoyPort = await freePort();
  const envoy = await startEnvoy({ mode, grpcPort, httpPort, envoyPort, ...(version && { version }) });
  return doorAt(`envoy-${mode}`, envoy.origin, model, async () => {
    await envoy.stop();
    await shim.close();
    await http.close();
  });
}
