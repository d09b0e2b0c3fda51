import { serveHttp } from '../../../shim/http.ts';
import { startScriptedModel } from '../model/scripted.ts';
import { freePort } from '../ports.ts';
import { type Door, doorAt } from './door.ts';
import { type Chosen, testHandler } from './in-process.ts';

/** The handler on plain HTTP, as the shim serves it. */
export async function openNodeHttp(chosen?: Chosen): Promise<Door> {
  const model = await startScriptedModel();
  const { fetch, memory } = await testHandler(model, chosen);
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, memory, log: () => {} });
  return doorAt('node-http', `http://127.0.0.1:${server.port}`, model, () => server.close());
}
