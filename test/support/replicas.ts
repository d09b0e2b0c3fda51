import { startEnvoy } from '../../envoy/run.ts';
import { until } from '../promises/state-ask.ts';
import { newFolder } from './folder.ts';
import { type ScriptedModel, startScriptedModel } from './model/scripted.ts';
import { freePort } from './ports.ts';
import { type ProductProcess, startCommand, writeConfig } from './product.ts';

/** What a test closes with. */
interface Closes {
  after(then: () => Promise<void>): void;
}

/** Processes on one database and one model behind an Envoy with our configuration. */
export interface Replicas {
  origin: string;
  model: ScriptedModel;
  /** The processes; `start` changes its own entry. */
  products: ProductProcess[];
  /** Starts the one at an index anew, at the same addresses. */
  start(index: number): Promise<void>;
  /** GETs a path of Envoy's admin interface. */
  admin(path: string): Promise<string>;
  /** A value of `x-session-affinity` for each process, in their order. */
  affinities(): Promise<string[]>;
  /** The processes that have this request in their log. */
  servedBy(requestId: string): number[];
}

/** Starts so many processes and an Envoy before them; `config` is added to their configuration. All end with the test. */
export async function startReplicas(t: Closes, count: number, config: object = {}): Promise<Replicas> {
  const folder = newFolder();
  const model = await startScriptedModel();
  t.after(model.close);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the configuration of each fills it in, so that the model knows who calls it
  const send = { headers: { set: { 'x-replica': '${REPLICA}' } } };
  const models = [{ match: '*', backend: 'chat', url: model.url, send }];
  const file = await writeConfig(folder, { database: `sqlite:${folder}/a.db`, models, ...config });
  const run = async (index: number, ports: readonly string[]) => {
    const product = await startCommand(['-no-envoy', '-config', file, ...ports], { REPLICA: `${index}` });
    t.after(async () => {
      product.kill('SIGKILL');
      await product.exited;
    });
    if (!product.stderr().includes('is ready')) throw new Error(product.stderr());
    return product;
  };
  const addresses = Array.from({ length: count }, async () => ({
    grpcPort: await freePort(),
    httpPort: await freePort(),
  }));
  const processors = await Promise.all(addresses);
  const startAt = (index: number) => {
    const { grpcPort, httpPort } = processors[index] ?? { grpcPort: 0, httpPort: 0 };
    return run(index, ['-port', `${grpcPort}`, '-http-port', `${httpPort}`]);
  };
  const products = await Promise.all(processors.map((_, index) => startAt(index)));
  const envoy = await startEnvoy({ mode: 'streamed', envoyPort: await freePort(), processors, logLevel: 'error' });
  t.after(envoy.stop);
  const servedBy = (requestId: string) =>
    products.flatMap((product, index) => (product.stdout().includes(requestId) ? [index] : []));
  return {
    origin: envoy.origin,
    model,
    products,
    async start(index) {
      products[index] = await startAt(index);
    },
    admin: envoy.admin,
    servedBy,
    async affinities() {
      const found: string[] = [];
      for (let n = 0; Object.keys(found).length < count; n++) {
        const [value, id] = [`session-${n}`, `affinity-${n}-${process.pid}`];
        const headers = { 'x-session-affinity': value, 'x-request-id': id };
        await (await fetch(`${envoy.origin}/v1/responses/resp_none`, { headers })).arrayBuffer();
        await until(() => servedBy(id).length > 0);
        found[servedBy(id)[0] ?? 0] ??= value;
      }
      return found;
    },
  };
}
