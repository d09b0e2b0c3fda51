import type { Setup } from './setup.ts';

/** What takes effect at a start only, by its keys. */
function startedWith({ config, listen, database }: Setup): [key: string, value: unknown][] {
  return [
    ...Object.entries(listen).map(([name, address]): [string, unknown] => [`listen.${name}`, address]),
    ['tls.grpc', config.tls.grpc],
    ['tls.http', config.tls.http],
    ['processes', config.processes],
    ['database', database],
    ['audit', config.audit],
    ['synchronous', config.synchronous],
    ['encryptAtRest', config.encryptAtRest],
    ['limits.lease', config.limits.lease],
    ['telemetry', config.telemetry],
    ['rateLimiter', config.rateLimiter],
  ];
}

/** The keys of which a process that was started with one configuration needs a restart for another. */
export function restartKeys(started: Setup, next: Setup): string[] {
  const before = startedWith(started);
  return startedWith(next).flatMap(([key, value], index) =>
    JSON.stringify(value) === JSON.stringify(before[index]?.[1]) ? [] : [key],
  );
}
