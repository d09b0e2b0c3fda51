/** An address as its bytes: four of IPv4, sixteen of IPv6. */
export type AddressBytes = readonly number[];

/** Addresses that begin with these bits. */
export interface AddressRange {
  bytes: AddressBytes;
  bits: number;
}

/** The bytes of an address in its usual spelling, with or without brackets or a zone; undefined for anything else. */
export function addressBytes(text: string): AddressBytes | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(bare)) {
    const bytes = bare.split('.').map(Number);
    return bytes.every((byte) => byte < 256) ? bytes : undefined;
  }
  if (!/^[\da-f:.]*:[\da-f:.]*$/i.test(bare) || !URL.canParse(`http://[${bare}]`)) return undefined;
  // The parser of URLs has written it in hexadecimal groups, of which one :: stands for those that are zero.
  const [before = '', after] = new URL(`http://[${bare}]`).hostname.slice(1, -1).split('::');
  const [head, tail] = [before, after ?? ''].map((half) => (half === '' ? [] : half.split(':')));
  if (!head || !tail) return undefined;
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return [...head, ...zeros, ...tail].flatMap((group) => {
    const number = Number.parseInt(group, 16);
    return [number >> 8, number & 0xff];
  });
}

/** An address or a CIDR range, as `10.0.0.0/8`; undefined for anything else. */
export function addressRange(text: string): AddressRange | undefined {
  const [, address = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bytes = addressBytes(address);
  if (!bytes) return undefined;
  const bits = length === undefined ? bytes.length * 8 : Number(length);
  return bits <= bytes.length * 8 ? { bytes, bits } : undefined;
}

/** Whether an address is in a range of its own family. */
export function isIn(address: AddressBytes, { bytes, bits }: AddressRange): boolean {
  if (address.length !== bytes.length) return false;
  return bytes.every((byte, index) => {
    const rest = Math.min(8, Math.max(0, bits - index * 8));
    return (byte ^ (address[index] ?? 0)) >> (8 - rest) === 0;
  });
}

function ranges(...texts: string[]): AddressRange[] {
  return texts.map((text) => addressRange(text) ?? { bytes: [], bits: 0 });
}

/** IPv4 that is not for everybody, by IANA's registry of special purposes, and the address at which Azure's machines reach their host. */
const SPECIAL_V4 = ranges(
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4', '168.63.129.16'],
);

/** Global unicast; whatever is outside of it is private, local, multicast or nothing yet. */
const GLOBAL_V6 = ranges('2000::/3');

/** Inside of it: protocols (Teredo among them), documentation. */
const SPECIAL_V6 = ranges('2001::/23', '2001:db8::/32', '3fff::/20');

/** IPv6 that leads to an IPv4, with the place where it stands in it: mapped, translated (NAT64), 6to4. */
const CARRIERS: [AddressRange | undefined, number][] = [
  [addressRange('::ffff:0:0/96'), 12],
  [addressRange('64:ff9b::/96'), 12],
  [addressRange('2002::/16'), 2],
];

/** The IPv4 that an IPv6 leads to, or the address itself. */
export function unwrapped(address: AddressBytes): AddressBytes {
  const carrier = CARRIERS.find(([range]) => range && isIn(address, range));
  return carrier ? address.slice(carrier[1], carrier[1] + 4) : address;
}

/** Whether an address is one of the public internet. What cannot be told is not. */
export function isPublic(address: AddressBytes): boolean {
  const bytes = unwrapped(address);
  const special = bytes.length === 4 ? SPECIAL_V4 : SPECIAL_V6;
  if (bytes.length === 16 && !GLOBAL_V6.some((range) => isIn(bytes, range))) return false;
  return !special.some((range) => isIn(bytes, range));
}
