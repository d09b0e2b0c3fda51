import type { Context } from 'hono';
import type { Services } from '../../service/services.ts';
import type { Env } from '../env.ts';

const HEADERS = { 'cache-control': 'no-store' };

/** `GET /livez`: 200 as long as the process answers at all. What it needs may be down: to restart it would not help. */
export function getLiveness(c: Context<Env>): Response {
  return c.json({ status: 'ok' }, 200, HEADERS);
}

/** `GET /readyz`: 200, or 503 with the reasons why this process should get no new requests. */
export async function getReadiness(c: Context<Env>, { ping, readiness }: Services): Promise<Response> {
  await ping();
  const { reasons } = readiness;
  if (reasons.length > 0) return c.json({ status: 'unready', reasons }, 503, HEADERS);
  return c.json({ status: 'ready' }, 200, HEADERS);
}
