/** Who sends a request, as far as the server tells callers apart. */
export interface Caller {
  /** The same for all that one caller sends. */
  id: string;
}

/**
 * Identifies the caller of a request; `ingress` has the sender's address. It must not trust headers that the sender
 * can write. A thrown ApiError refuses the request; any other error is a 500.
 */
export type Identify = (request: Request, ingress: { readonly peer?: string | undefined }) => Caller | Promise<Caller>;

/**
 * Identifies callers by the network that they call from: an IPv4 address, or the /64 of an IPv6 one, which is what one
 * subscriber gets. All whose address no ingress knows are one caller.
 */
export const identifyByAddress: Identify = (_request, { peer }) => ({ id: peer ? networkOf(peer) : 'unknown' });

/** The network of an address, with or without a port: `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`. */
export function networkOf(peer: string): string {
  const address = peer.replace(/^\[(.*?)\](:\d+)?$/, '$1').replace(/%.*$/, '');
  const mapped = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)(?::\d+)?$/i.exec(address)?.[1];
  if (mapped) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail ? tail.split(':') : [];
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0');
  const network = [...groups, ...zeros, ...rest]
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''));
  return `${network.join(':')}::/64`;
}
