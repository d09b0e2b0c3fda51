import { lookup } from 'node:dns/promises';

/** Whether an IP address is this machine's own, which nothing outside of it can reach. */
export function isLoopback(address: string): boolean {
  return /^(127\.|::1$|::ffff:127\.)/.test(address);
}

/** Whether a host to listen on, an address or a name, is or has an address beyond the loopback; an unknown name has none. */
export async function isBeyondLoopback(host: string): Promise<boolean> {
  const addresses = await lookup(host, { all: true }).catch(() => []);
  return addresses.some(({ address }) => !isLoopback(address));
}
