import { unstable_startWorker } from 'wrangler';
import { startScriptedModel } from '../model/scripted.ts';
import { freePort } from '../ports.ts';
import { type Door, doorAt, testConfigFile } from './door.ts';

/** The worker as `wrangler.toml` deploys it, on a real workerd. */
export async function openWorkerd(): Promise<Door> {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'; // wrangler would look up a sample request's details
  process.env.WRANGLER_SEND_METRICS = 'false';
  const model = await startScriptedModel();
  const worker = await unstable_startWorker({
    config: new URL('../../../wrangler.toml', import.meta.url).pathname,
    bindings: {
      ANTIPHON_CONFIG: { type: 'plain_text', value: JSON.stringify(testConfigFile(model)) },
      LOG_LEVEL: { type: 'plain_text', value: 'error' },
    },
    dev: {
      server: { hostname: '127.0.0.1', port: await freePort() },
      inspector: false,
      persist: false,
      watch: false,
      logLevel: 'none',
    },
  });
  const url = await worker.url;
  return doorAt('workerd', url.origin, model, () => worker.dispose());
}
