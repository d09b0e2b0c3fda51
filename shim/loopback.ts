import { lookup } from 'node:dns/promises';

/** Whether an IP address is a loopback one, out of reach of other machines. */
export function isLoopback(address: string): boolean {
  return /^(127\.|::1$|::ffff:127\.)/.test(address);
}

/** Whether a host to listen on has an address beyond the loopback; an unknown name has none. */
export async function isBeyondLoopback(host: string): Promise<boolean> {
  const addresses = await lookup(host, { all: true }).catch(() => []);
  return addresses.some(({ address }) => !isLoopback(address));
}
