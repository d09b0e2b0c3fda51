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

/** How long the next check of a client is waited for that has checked once, in milliseconds: Envoy's interval in our configuration is 2 s. */
const FIRST_MS = 2_000;

/** A check may come late by so much of its interval, and by so many milliseconds. */
const [LATE_SHARE, LATE_MS] = [0.5, 500];

/** The workers of an Envoy hear a moment later of what its health check has found, in milliseconds. */
const SETTLE_MS = 100;

/** The gRPC health service: SERVING until it is stopped for good. */
export interface Health {
  handlers: {
    Check(call: ServerUnaryCall<HealthRequest, HealthResponse>, reply: sendUnaryData<HealthResponse>): void;
    Watch(call: ServerWritableStream<HealthRequest, HealthResponse>): void;
  };
  /** Switches to NOT_SERVING, and notifies watchers. */
  stop(): void;
  /**
   * Resolves when all clients that check now and then have been told since `stop`, or are late: until then they send requests, and one that
   * meets the end of its connection fails.
   */
  noticed(): Promise<void>;
  /** Ends the calls of watchers, which would delay the server's shutdown, and the wait of `noticed`. */
  close(): void;
}

/** A new, SERVING health service. */
export function createHealth(): Health {
  const watchers = new Set<ServerWritableStream<HealthRequest, HealthResponse>>();
  const checkers = new Map<string, Checker>();
  const waits = new Map<string, (ms: number) => void>();
  let current = SERVING;

  const checked = (peer: string) => {
    const now = performance.now();
    const before = checkers.get(peer);
    if (!before) for (const [other, checker] of checkers) if (isLate(checker, now)) checkers.delete(other);
    checkers.set(peer, { last: now, every: before ? now - before.last : FIRST_MS });
    if (current !== SERVING) waits.get(peer)?.(SETTLE_MS);
  };
  return {
    handlers: {
      Check(call, reply) {
        checked(call.getPeer());
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
    async noticed() {
      const now = performance.now();
      const untold = [...checkers].filter(([, checker]) => !isLate(checker, now));
      await Promise.all(
        untold.map(([peer, checker]) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          let timer: NodeJS.Timeout | undefined;
          const endIn = (ms: number) => {
            clearTimeout(timer);
            timer = setTimeout(resolve, ms);
          };
          waits.set(peer, endIn);
          endIn(lateAt(checker) - now);
          return promise;
        }),
      );
    },
    close() {
      for (const call of watchers) call.end();
      for (const endIn of waits.values()) endIn(0);
    },
  };
}

/** A client that checks: when it last did, and how long after the time before, in milliseconds. */
interface Checker {
  last: number;
  every: number;
}

function lateAt({ last, every }: Checker): number {
  return last + every * (1 + LATE_SHARE) + LATE_MS;
}

function isLate(checker: Checker, now: number): boolean {
  return lateAt(checker) < now;
}
