import {
  type GrpcObject,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { freePort } from './ports.ts';

interface Descriptor {
  entries: { key: string; value: string }[];
  hits_addend: { value: number } | null;
}

/** A rate limit service as Envoy's own counts: a check adds first, and is over the limit once the sum is above it. */
export interface RateLimiter {
  port: number;
  /** What each `key=value` has been charged. */
  readonly counts: ReadonlyMap<string, number>;
  /** Resolves once a charge of a `key=value`, not a check, has come since this was called. */
  charged(key: string): Promise<void>;
  close(): void;
}

const OK = 1;
const OVER_LIMIT = 2;
const HOUR = 3;

/** The hour, in this service, always ends in so many seconds. */
export const SECONDS_LEFT = 1234;

/** Starts a service that gives each descriptor `limit` hits an hour that does not end, at a port if one is given. */
export async function startRateLimiter(limit: number, at?: number): Promise<RateLimiter> {
  const counts = new Map<string, number>();
  let waiting: { key: string; resolve: () => void }[] = [];
  const statusOf = (hits: number, { entries, hits_addend }: Descriptor) => {
    const key = entries.map(({ key, value }) => `${key}=${value}`).join();
    const added = hits_addend?.value ?? hits;
    const count = (counts.get(key) ?? 0) + added;
    counts.set(key, count);
    return {
      code: count > limit ? OVER_LIMIT : OK,
      current_limit: { requests_per_unit: limit, unit: HOUR },
      limit_remaining: Math.max(0, limit - count),
      duration_until_reset: { seconds: SECONDS_LEFT },
      key,
      added,
    };
  };
  const server = new Server();
  server.addService(service(), {
    ShouldRateLimit(
      { request }: ServerUnaryCall<{ hits_addend: number; descriptors: Descriptor[] }, object>,
      reply: sendUnaryData<object>,
    ) {
      const statuses = request.descriptors.map((descriptor) => statusOf(request.hits_addend || 1, descriptor));
      reply(null, { overall_code: Math.max(...statuses.map(({ code }) => code)), statuses });
      const keys = statuses.filter(({ added }) => added > 0).map(({ key }) => key);
      for (const { key, resolve } of waiting) if (keys.includes(key)) resolve();
      waiting = waiting.filter(({ key }) => !keys.includes(key));
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    const listen = async () =>
      server.bindAsync(`127.0.0.1:${at ?? (await freePort())}`, ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    listen().catch(reject);
  });
  return {
    port,
    counts,
    charged: (key) => new Promise((resolve) => waiting.push({ key, resolve })),
    close: () => server.forceShutdown(),
  };
}

function service(): ServiceDefinition {
  const options = { keepCase: true, defaults: true, longs: Number };
  const file = loadSync(`${import.meta.dirname}/rate-limit.proto`, options);
  const path = ['envoy', 'service', 'ratelimit', 'v3', 'RateLimitService'];
  // grpc-js types what it loads as a tree of unions; the path is ours and so is the file.
  const found = path.reduce((at, step) => at[step] as GrpcObject, loadPackageDefinition(file));
  return (found as unknown as { service: ServiceDefinition }).service;
}
