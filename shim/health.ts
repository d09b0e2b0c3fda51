import { type ServerUnaryCall, type ServerWritableStream, type sendUnaryData, status } from '@grpc/grpc-js';

interface HealthRequest {
  service: string;
}

/** `status` by number, as health.proto's ServingStatus has it. */
interface HealthResponse {
  status: number;
}

const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

/** Services with a health status: the whole server, and the processor. */
const SERVICES = ['', 'envoy.service.ext_proc.v3.ExternalProcessor'];

/** The gRPC health service: SERVING until it is stopped for good. */
export interface Health {
  handlers: {
    Check(call: ServerUnaryCall<HealthRequest, HealthResponse>, reply: sendUnaryData<HealthResponse>): void;
    Watch(call: ServerWritableStream<HealthRequest, HealthResponse>): void;
  };
  /** Switches to NOT_SERVING, and notifies watchers. */
  stop(): void;
  /** Ends the calls of watchers, which would delay the server's shutdown. */
  close(): void;
}

/** A new, SERVING health service. */
export function createHealth(): Health {
  const watchers = new Set<ServerWritableStream<HealthRequest, HealthResponse>>();
  let current = SERVING;
  return {
    handlers: {
      Check(call, reply) {
        if (SERVICES.includes(call.request.service)) reply(null, { status: current });
        else reply({ code: status.NOT_FOUND, details: 'unknown service' });
      },
      Watch(call) {
        if (!SERVICES.includes(call.request.service)) {
          call.write({ status: SERVICE_UNKNOWN });
          return;
        }
        watchers.add(call);
        call.on('cancelled', () => watchers.delete(call));
        call.write({ status: current });
      },
    },
    stop() {
      current = NOT_SERVING;
      for (const call of watchers) call.write({ status: current });
    },
    close() {
      for (const call of watchers) call.end();
    },
  };
}
