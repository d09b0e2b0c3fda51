import { unstable_startWorker } from 'wrangler';
import { startScriptedModel } from '../model/scripted.ts';
import { freePort } from '../ports.ts';
import { type Door, doorAt, hostedConfigFile, testConfigFile } from './door.ts';

type Options = Parameters<typeof unstable_startWorker>[0];

/** A worker on a free port of the loopback, whose storage is in the folder `persist`, or ends with it; wrangler writes no log, and asks nothing of the network. */
export async function startWorker(
  options: Omit<Options, 'dev'>,
  persist: string | false = false,
): ReturnType<typeof unstable_startWorker> {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'; // it would look up a sample request's details
  process.env.WRANGLER_SEND_METRICS = 'false';
  const server = { hostname: '127.0.0.1', port: await freePort() };
  const dev = {
    ...({ server, inspector: false, persist, watch: false, logLevel: 'none' } as const),
    // Its own reads the whole bundle's source map anew for each stack that workerd logs, to print nothing.
    structuredLogsHandler: () => {},
  };
  return unstable_startWorker({ ...options, dev });
}

/** The worker as `wrangler.toml` deploys it, with the tools that a Worker has to ask for, on a real workerd; `allow` are private targets of their URLs, `hosted` has hosted tools run there. */
export async function openWorkerd(allow: readonly string[] = [], hosted = false): Promise<Door> {
  const model = await startScriptedModel();
  const config = { ...(hosted ? hostedConfigFile : testConfigFile)(model, []), auth: 'none' };
  const egress = { allow: [...config.egress.allow, ...allow] };
  const worker = await startWorker({
    config: new URL('../../../wrangler.toml', import.meta.url).pathname,
    entrypoint: new URL('worker-main.ts', import.meta.url).pathname,
    bindings: {
      ANTIPHON_CONFIG: { type: 'plain_text', value: JSON.stringify({ ...config, egress }) },
      LOG_LEVEL: { type: 'plain_text', value: 'error' },
    },
  });
  const url = await worker.url;
  return doorAt('workerd', url.origin, model, () => worker.dispose());
}
