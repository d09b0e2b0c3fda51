import type { Context } from 'hono';
import { ApiError, wordOf } from '../../errors.ts';
import type { Services } from '../../service/services.ts';
import { checkOrigin } from '../check-origin.ts';
import type { Env } from '../env.ts';

/** Hosts that DNS rebinding cannot use: an IP address, `localhost` and its subdomains. */
const OWN_NAME = /^(\d{1,3}(\.\d{1,3}){3}|\[[\da-f:.]+\]|([\w-]+\.)*localhost)$/;

/**
 * Protects `rebindable` ingresses (see Ingress) from web pages: DNS rebinding points a page's own name at the
 * loopback, so its requests are same-origin. 403 for a Host that is neither an own name nor in `hosts`, and for the
 * Origin of a page that is neither ours nor allowed, for every method, since simple requests have no preflight.
 * Clients other than browsers send no Origin.
 */
export function refuseRebinding(c: Context<Env>, { hosts, origins }: Pick<Services, 'hosts' | 'origins'>): void {
  if (!c.env.rebindable) return;
  checkHost(c, hosts);
  checkOrigin(c, origins);
}

/** Checks Host. A request without one is not from a browser. */
function checkHost(c: Context<Env>, hosts: readonly string[]): void {
  const host = c.req.header('host');
  if (host === undefined) return;
  const name = host.toLowerCase().replace(/\.?(:\d*)?$/, '');
  if (OWN_NAME.test(name) || hosts.includes(name)) return;
  const message = `The Host ${wordOf(name) ?? 'of the request'} is not allowed here: it must be an IP address, localhost, or one of`;
  throw new ApiError('host', `${message} \`hosts\` in the configuration.`);
}
