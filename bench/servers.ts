import { join } from 'node:path';
import { startEnvoy } from '../envoy/run.ts';
import { newFolder } from '../test/support/folder.ts';
import { freePort } from '../test/support/ports.ts';
import { asker, type Language } from './ask.ts';
import type { BareOptions } from './bare.ts';
import { startScript } from './children.ts';
import { Connection } from './connection.ts';
import type { Processes } from './cpu.ts';
import { startFloor } from './floor.ts';
import { type PeerName, startPeers } from './peers.ts';
import type { Templates } from './plain.ts';
import { type Product, startProduct } from './product.ts';
import { NONCE, type Shape } from './text.ts';

/** A way to ask for the same turn. */
export interface Subject {
  name: SubjectName;
  port: number;
  processes: Processes;
}

/** The subjects beside the peers: the model itself, the product's doors, and what does the least that can be done in their place. */
type OwnName = 'mock' | 'http' | 'traced' | 'routed' | 'streamed' | 'buffered' | 'bare' | 'processor' | 'floor';

/** All subjects. */
export type SubjectName = OwnName | PeerName;

/** What the subjects are called in tables. */
export const LABELS: Readonly<Record<SubjectName, string>> = {
  mock: 'the mock model itself',
  http: 'plain HTTP',
  traced: 'plain HTTP, telemetry on',
  routed: 'plain HTTP, two servers',
  streamed: 'Envoy, streamed mode',
  buffered: 'Envoy, buffered mode',
  bare: 'a bare server',
  processor: 'Envoy to a bare processor',
  floor: 'Envoy to a plain upstream',
  'agentic-api': 'agentic-api',
  smg: 'smg',
};

/** Every server of the bench, each a process of its own. */
export interface Servers {
  mock: number;
  product: Product;
  subjects: Readonly<Record<OwnName, Subject>>;
  /** Those that were asked for and could be started. */
  peers: readonly Subject[];
  stop(): Promise<void>;
}

/** What the plain upstream will be asked for, whether peers take part, and a folder for the product's CPU profiles. */
export interface ServersOptions {
  shapes: { json: Shape; stream: Shape };
  peers: boolean;
  profile: string | undefined;
  say(line: string): void;
}

/** Starts them all. */
export async function startServers({ shapes, peers: withPeers, profile, say }: ServersOptions): Promise<Servers> {
  const mockPort = await freePort();
  const mock = await startScript('mock.ts', mockPort);
  const product = await startProduct(mockPort, { profile });
  const receiverPort = await freePort();
  const receiver = await startScript('otlp-receiver.ts', receiverPort);
  const traced = await startProduct(mockPort, { otlp: `http://127.0.0.1:${receiverPort}` });
  const routed = await startProduct(mockPort, { routed: true });
  const [streamedPort, bufferedPort] = [await freePort(), await freePort()];
  const streamed = await startEnvoy({ mode: 'streamed', grpcPort: product.grpc, envoyPort: streamedPort });
  const buffered = await startEnvoy({ mode: 'buffered', grpcPort: product.grpc, envoyPort: bufferedPort });
  const plainPort = await freePort();
  const templates = await recordTemplates(product.http, shapes);
  const plain = await startScript('plain.ts', plainPort, templates);
  const floorPort = await freePort();
  const floor = await startFloor(floorPort, plainPort);
  const barePort = await freePort();
  const bareOptions: BareOptions = {
    mock: mockPort,
    file: join(newFolder(), 'bare.db'),
    reply: JSON.parse(templates.json),
  };
  const bare = await startScript('bare.ts', barePort, bareOptions);
  const [processorPort, beforePort] = [await freePort(), await freePort()];
  const processor = await startScript('bare-processor.ts', processorPort, { mock: mockPort });
  const before = await startEnvoy({ mode: 'streamed', grpcPort: processorPort, envoyPort: beforePort });
  const peers = withPeers ? await startPeers(mockPort, say) : [];
  const ours = { mock: mock.pid, server: product.pid };
  const subject = (name: SubjectName, port: number, processes: Processes) => ({ name, port, processes });
  return {
    mock: mockPort,
    product,
    subjects: {
      mock: subject('mock', mockPort, { mock: mock.pid }),
      http: subject('http', product.http, ours),
      traced: subject('traced', traced.http, { mock: mock.pid, server: traced.pid }),
      routed: subject('routed', routed.http, { mock: mock.pid, server: routed.pid }),
      streamed: subject('streamed', streamedPort, { ...ours, envoy: streamed.pid }),
      buffered: subject('buffered', bufferedPort, { ...ours, envoy: buffered.pid }),
      bare: subject('bare', barePort, { mock: mock.pid, server: bare.pid }),
      processor: subject('processor', beforePort, { mock: mock.pid, server: processor.pid, envoy: before.pid }),
      floor: subject('floor', floorPort, { envoy: floor.pid, plain: plain.pid }),
    },
    peers: peers.map(({ name, port, pid }) => subject(name, port, { mock: mock.pid, server: pid })),
    async stop() {
      await Promise.all([floor, streamed, buffered, before].map((envoy) => envoy.stop()));
      await Promise.all([product, traced, routed, plain, bare, processor, ...peers].map((child) => child.stop()));
      await Promise.all([mock.stop(), receiver.stop()]);
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
