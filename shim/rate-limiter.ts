import { fileURLToPath } from 'node:url';
import { Client, credentials, type GrpcObject, loadPackageDefinition, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { LimiterSettings, RateLimiter } from '../handler/index.ts';

/** How long the service may take to answer, in milliseconds: it takes single ones. */
const TIMEOUT_MS = 2_000;

/** Envoy's rate limit service over gRPC, without TLS, as Envoy's own cluster of it mostly is. It is connected to when it is first charged. */
export function openRateLimiter({ address, domain }: Pick<LimiterSettings, 'address' | 'domain'>): RateLimiter {
  const client = new Client(address, credentials.createInsecure());
  const method = shouldRateLimit();
  return {
    charge: (entries, hits_addend) =>
      new Promise((resolve, reject) => {
        const request = { domain, descriptors: [{ entries }], hits_addend };
        const options = { deadline: Date.now() + TIMEOUT_MS };
        client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          method.responseDeserialize,
          request,
          options,
          (error) => (error ? reject(error) : resolve()),
        );
      }),
    close: () => client.close(),
  };
}

function shouldRateLimit() {
  const path = fileURLToPath(new URL('../proto/ratelimit.proto', import.meta.url));
  const found = ['envoy', 'service', 'ratelimit', 'v3', 'RateLimitService'].reduce(
    (at, step) => at[step] as GrpcObject, // grpc-js types what it loads as a tree of unions; the path is ours and so is the file
    loadPackageDefinition(loadSync(path, { keepCase: true })),
  );
  const { ShouldRateLimit } = (found as unknown as { service: ServiceDefinition }).service; // as the file says
  if (!ShouldRateLimit) throw new Error('ratelimit.proto has no ShouldRateLimit');
  return ShouldRateLimit;
}
