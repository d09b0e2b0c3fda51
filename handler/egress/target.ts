import { addressBytes, addressRange, isIn, isPublic, unwrapped } from './address.ts';
import { EgressError, notPublic, type Reach } from './egress.ts';

/** A rule of `egress.allow`: a range of addresses, or a host with or without its port. */
type Allowed = { range: NonNullable<ReturnType<typeof addressRange>> } | { host: string; port: string | undefined };

/** What of the private network may be reached beside the configuration's own URLs. */
export interface AllowList {
  /** Whether a host, as a URL has it, may be any address. */
  hasHost(host: string, port: string): boolean;
  /** Public addresses, and those of its ranges. */
  reach: Reach;
  /** Whether a name that looks local may be in one of its ranges, which is checked when it is connected to. */
  mayBeLocal: boolean;
}

/** Any address: of a host that the configuration names. */
const ANYWHERE: Reach = { key: 'any', permits: () => true };

/** The ports of `http:` and `https:` where a URL has none. */
const DEFAULT_PORTS: Record<string, string> = { 'http:': '80', 'https:': '443' };

/** Ports of other protocols, as the Fetch standard blocks them: a server of one may take a request for its own language. */
const OTHER_PROTOCOLS = new Set(
  (
    '0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137 139 ' +
    '143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723 2049 ' +
    '3659 4045 4190 5060 5061 6000 6379 6566 6665 6666 6667 6668 6669 6679 6697 10080 11211'
  ).split(' '),
);

/** Names that lead into a machine or a network; a name without a dot does as well. */
const LOCAL_NAME = /(^|\.)(localhost|localdomain|local|internal|intranet|lan|home\.arpa|corp|home|private)$/;

/** An entry of `egress.allow`, or undefined for what is none. A URL's parser writes the host, so each spelling of one is the same. */
export function parseAllowed(text: string): Allowed | undefined {
  const range = addressRange(text);
  if (range) return { range };
  const [, host = '', port] = /^(\[[\da-fA-F:.]+\]|[^\s:/?#@[\]*%\\]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (host === '' || Number(port ?? 1) > 65_535 || port === '0' || !URL.canParse(`http://${host}`)) return undefined;
  return { host: bareHost(new URL(`http://${host}`).hostname), port: port && String(Number(port)) };
}

/**
 * The allow list of the configuration; throws an Error for an entry that is none. `checksAddresses` says whether addresses are checked as
 * they are connected to.
 */
export function allowList(entries: readonly string[], checksAddresses = false): AllowList {
  const all = entries.map((entry) => {
    const allowed = parseAllowed(entry);
    if (!allowed) throw new Error(`egress.allow: ${entry} is no host and no range of addresses`);
    return allowed;
  });
  const ranges = all.flatMap((one) => ('range' in one ? [one.range] : []));
  const hosts = all.flatMap((one) => ('host' in one ? [one] : []));
  return {
    mayBeLocal: checksAddresses && ranges.length > 0,
    hasHost: (host, port) => hosts.some((one) => one.host === host && (one.port ?? port) === port),
    reach: {
      key: JSON.stringify(ranges),
      permits(address) {
        const bytes = addressBytes(address);
        if (!bytes) return false;
        return isPublic(bytes) || ranges.some((range) => isIn(bytes, range) || isIn(unwrapped(bytes), range));
      },
    },
  };
}

/** A URL, by the parser that will be believed later. Throws an EgressError for what is none. */
export function parseUrl(text: string | URL, base?: URL): URL {
  try {
    return new URL(text, base);
  } catch (error) {
    throw new EgressError('url', 'This is not a URL.', error);
  }
}

/**
 * Checks all of a URL that needs no resolver, and gives the addresses that it may lead to. Throws an EgressError. `configured` is an
 * origin of the configuration, which may be private.
 */
export function reachOf(url: URL, allow: AllowList, configured?: string): Reach {
  const defaultPort = DEFAULT_PORTS[url.protocol];
  if (defaultPort === undefined) throw new EgressError('url', 'Only http: and https: URLs are fetched.');
  if (url.username !== '' || url.password !== '')
    throw new EgressError('url', 'A URL with a user or a password is not fetched.');
  const port = url.port || defaultPort;
  const host = bareHost(url.hostname);
  if (url.origin === configured || allow.hasHost(host, port)) return ANYWHERE;
  const bytes = addressBytes(host);
  const isLocal = !host.includes('.') || LOCAL_NAME.test(host);
  if (bytes ? !allow.reach.permits(host) : isLocal && !allow.mayBeLocal) throw notPublic();
  if (OTHER_PROTOCOLS.has(port)) throw new EgressError('url', 'The port of the URL is one of other protocols.');
  return allow.reach;
}

/** A host without the dot at its end, which means the same. */
function bareHost(hostname: string): string {
  return hostname.replace(/\.$/, '');
}
