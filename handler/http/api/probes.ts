import { json, type Route } from '../route.ts';

const HEADERS = { 'cache-control': 'no-store' };

/** Probes of machines, every few seconds. They are not logged. */
export const probes: Route[] = [
  {
    method: 'GET',
    path: '/livez',
    scope: 'anybody',
    operationId: 'getLiveness',
    summary: 'Get liveness',
    reply: json('Health'),
    // Always ok: if a dependency is down, a restart would not help.
    handle: (c) => c.json({ status: 'ok' }, 200, HEADERS),
  },
  {
    method: 'GET',
    path: '/readyz',
    scope: 'anybody',
    operationId: 'getReadiness',
    summary: 'Get readiness',
    reply: json('Readiness'),
    async handle(c, { ping, readiness }) {
      await ping();
      const { reasons, notes } = readiness;
      const noted = notes.length > 0 && { notes };
      if (reasons.length > 0) return c.json({ status: 'unready', reasons, ...noted }, 503, HEADERS);
      return c.json({ status: 'ready', ...noted }, 200, HEADERS);
    },
  },
];

/** The health check for people. */
export const health: Route[] = [
  {
    method: 'GET',
    path: '/health',
    scope: 'anybody',
    operationId: 'getHealth',
    summary: 'Get health',
    reply: json('Health'),
    handle: (c) => c.json({ status: 'ok' }),
  },
];
