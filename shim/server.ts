import type { Http2Server } from 'node:http2';
import { fileURLToPath } from 'node:url';
import {
  type GrpcObject,
  loadPackageDefinition,
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  setLogVerbosity,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { callExchange } from './exchange.ts';
import { createHealth } from './health.ts';
import { logLine } from './log-line.ts';
import type { ProcessingRequest, ProcessingResponse } from './messages.ts';
import { guardResets } from './resets.ts';
import { cannotListen, type Running } from './running.ts';
import { type Fetch, type Log, type SessionOptions, serveExchange } from './session.ts';
import type { Tls } from './tls.ts';
import { clearSocketPath, openToGroup, socketPathOf } from './unix-socket.ts';

/** Options of a gRPC server: `address` is `host:port` (port 0: any free one) or `unix:PATH`. */
export interface GrpcOptions extends Omit<SessionOptions, 'log'> {
  address: string;
  /** TLS. Without it the port is for peers on the same machine, or behind a mesh that encrypts. */
  tls?: Tls | undefined;
  fetch: Fetch;
  /**
   * Whether nobody but an Envoy that says who the client is can call. Default: on a unix socket, and with the certificate of each
   * client checked.
   */
  vouches?: boolean;
  /** Whether the only Envoy before it ends with it, and need not notice that it drains. Default: no. */
  endsWithEnvoy?: boolean;
  /** Default: the handler's own log. */
  log?: Log;
}

/** Bytes of a gRPC message beside a BUFFERED body: headers and attributes. */
const HEADERS_SLACK = 1024 * 1024;

/** Read at each call. */
const MESSAGE_LENGTH = 'grpc.max_receive_message_length';

const OPTIONS = {
  // As in the Envoy configuration: requests are bounded by memory, and by Envoy's circuit breakers.
  'grpc.max_concurrent_streams': 100_000,
  // Keepalive: a dead peer is found within 40 s, and its model calls stop.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
};

/**
 * Lifts Node's limit on stream resets, which closes a connection after about 1,000 of them (33 more a second): Envoy resets
 * every stream after its answer, and one request must not end all others. `guardResets` counts those before an answer.
 */
const RESET_LIMITS = { streamResetBurst: 1_000_000, streamResetRate: 1_000_000 };

/** Private members of grpc-js's server that are used. */
interface GrpcInternals {
  commonServerOptions: object;
  http2Servers: Map<Http2Server, unknown>;
}

// Silence grpc-js on stderr: we get its errors anyway, and the log is ours.
if (!process.env.GRPC_VERBOSITY) setLogVerbosity(logVerbosity.NONE);

/**
 * Serves `fetch` as an ext_proc processor, with gRPC health. An Error names `-port` for a port that cannot be listened on, or
 * the unix socket.
 */
export async function serveGrpc({
  address,
  tls,
  fetch,
  endsWithEnvoy = false,
  log = logLine,
  ...options
}: GrpcOptions): Promise<Running<SessionOptions['limits']>> {
  const path = socketPathOf(address);
  const vouches = path !== undefined || tls?.clientCa !== undefined;
  const session: SessionOptions = { vouches, ...options, log };
  const serverOptions = { ...OPTIONS, [MESSAGE_LENGTH]: session.limits.body + HEADERS_SLACK };
  const server = new Server(serverOptions);
  // grpc-js has no public option for these; tests notice if a field is renamed.
  const { commonServerOptions, http2Servers } = server as unknown as GrpcInternals;
  Object.assign(commonServerOptions, RESET_LIMITS);
  const health = createHealth();
  const calls = new Set<object>();
  let onIdle: (() => void) | undefined;

  server.addService(serviceOf('ext_proc.proto', 'envoy.service.ext_proc.v3.ExternalProcessor'), {
    Process(call: ServerDuplexStream<ProcessingRequest, ProcessingResponse>) {
      const exchange = callExchange(call);
      calls.add(call);
      call.on('cancelled', () => {
        calls.delete(call);
        if (calls.size === 0) onIdle?.();
      });
      serveExchange(exchange, fetch, session).then(exchange.finish, () =>
        exchange.fail(status.ABORTED, 'the reply could not be finished'),
      );
    },
  });
  server.addService(serviceOf('health.proto', 'grpc.health.v1.Health'), { ...health.handlers });

  if (path !== undefined) await clearSocketPath(path);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentialsOf(tls), (error, bound) => {
      if (error) reject(cannotListen('-port', address, error));
      else resolve(path === undefined ? bound : 0);
    });
  });
  if (path !== undefined) await openToGroup(path);
  for (const http2Server of http2Servers.keys()) {
    guardResets(http2Server, () => log('warn', 'A gRPC connection was closed: too many resets before an answer.'));
  }

  async function close(): Promise<void> {
    health.close();
    server.forceShutdown();
  }
  async function drain(graceMs: number): Promise<void> {
    health.stop();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([shutDown(), timeout]);
    clearTimeout(timer);
    await close();
  }
  async function shutDown(): Promise<void> {
    // Requests keep coming until Envoy's next health check, and are served: shut down once it is over and there are none.
    if (!endsWithEnvoy) await health.noticed();
    if (calls.size > 0) {
      await new Promise<void>((resolve) => {
        onIdle = resolve;
      });
    }
    health.close();
    await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  }
  return {
    port,
    setLimits(limits) {
      session.limits = limits;
      serverOptions[MESSAGE_LENGTH] = limits.body + HEADERS_SLACK;
    },
    drain,
    close,
    get inFlight() {
      return calls.size;
    },
  };
}

function credentialsOf(tls: Tls | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const pair = { private_key: tls.key, cert_chain: tls.cert };
  return ServerCredentials.createSsl(tls.clientCa ?? null, [pair], tls.clientCa !== undefined);
}

function serviceOf(file: string, name: string): ServiceDefinition {
  const path = fileURLToPath(new URL(`../proto/${file}`, import.meta.url));
  // `defaults`: without them the last, empty chunk of a body decodes to undefined. No `enums`: they stay numbers.
  const options = { keepCase: true, defaults: true, oneofs: true, longs: Number };
  const service = name
    .split('.')
    // grpc-js types what it loads as a tree of unions; the path is ours and so are the files.
    .reduce((at, step) => at[step] as GrpcObject, loadPackageDefinition(loadSync(path, options)));
  return (service as unknown as { service: ServiceDefinition }).service;
}
