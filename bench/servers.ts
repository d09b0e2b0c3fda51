import { startEnvoy } from '../envoy/run.ts';
import { freePort } from '../test/support/ports.ts';
import { asker, type Language } from './ask.ts';
import { startScript } from './children.ts';
import { Connection } from './connection.ts';
import type { Processes } from './cpu.ts';
import { startFloor } from './floor.ts';
import type { Templates } from './plain.ts';
import { type Product, startProduct } from './product.ts';
import { NONCE, type Shape } from './text.ts';

/** A way to ask for the same turn. */
export interface Subject {
  name: SubjectName;
  port: number;
  processes: Processes;
}

/** The subjects: the first is the model itself, the last Envoy with an upstream that does nothing. */
export type SubjectName = 'mock' | 'http' | 'streamed' | 'buffered' | 'floor';

/** What the subjects are called in tables. */
export const LABELS: Readonly<Record<SubjectName, string>> = {
  mock: 'the mock model itself',
  http: 'plain HTTP',
  streamed: 'Envoy, streamed mode',
  buffered: 'Envoy, buffered mode',
  floor: 'Envoy to a plain upstream',
};

/** Every server of the bench, each a process of its own. */
export interface Servers {
  mock: number;
  product: Product;
  subjects: Readonly<Record<SubjectName, Subject>>;
  stop(): Promise<void>;
}

/** Starts them all; `shapes` are those that the plain upstream will be asked for. */
export async function startServers(shapes: { json: Shape; stream: Shape }, profile?: string): Promise<Servers> {
  const mockPort = await freePort();
  const mock = await startScript('mock.ts', mockPort);
  const product = await startProduct(mockPort, profile);
  const [streamedPort, bufferedPort] = [await freePort(), await freePort()];
  const streamed = await startEnvoy({ mode: 'streamed', grpcPort: product.grpc, envoyPort: streamedPort });
  const buffered = await startEnvoy({ mode: 'buffered', grpcPort: product.grpc, envoyPort: bufferedPort });
  const plainPort = await freePort();
  const plain = await startScript('plain.ts', plainPort, await recordTemplates(product.http, shapes));
  const floorPort = await freePort();
  const floor = await startFloor(floorPort, plainPort);
  const ours = { mock: mock.pid, product: product.pid };
  const subject = (name: SubjectName, port: number, processes: Processes) => ({ name, port, processes });
  return {
    mock: mockPort,
    product,
    subjects: {
      mock: subject('mock', mockPort, { mock: mock.pid }),
      http: subject('http', product.http, ours),
      streamed: subject('streamed', streamedPort, { ...ours, envoy: streamed.pid }),
      buffered: subject('buffered', bufferedPort, { ...ours, envoy: buffered.pid }),
      floor: subject('floor', floorPort, { envoy: floor.pid, plain: plain.pid }),
    },
    async stop() {
      await Promise.all([floor.stop(), streamed.stop(), buffered.stop()]);
      await Promise.all([product.stop(), plain.stop(), mock.stop()]);
    },
  };
}

/** Two answers of the product, for the plain upstream to repeat. */
async function recordTemplates(port: number, { json, stream }: { json: Shape; stream: Shape }): Promise<Templates> {
  const connection = await Connection.open(port);
  const record = async (language: Language, shape: Shape) => {
    const ask = asker(language, shape)();
    const answer = await connection.send(ask.request);
    ask.check(answer);
    return answer.body.replaceAll(ask.nonce, NONCE);
  };
  const templates = {
    json: await record('responses', json),
    stream: await record('responses stream', stream),
  };
  connection.close();
  return templates;
}
