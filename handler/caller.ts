/** What a caller may do: read what is stored, make and remove, make in the background, see what others of its tenant have. */
export const scopes = ['read', 'write', 'background', 'admin'] as const;
/** One of them. */
export type Scope = (typeof scopes)[number];

/** Who sends a request, as far as the server tells callers apart. */
export interface Caller {
  /** The same for all that one caller sends: callers share places fairly by it. */
  readonly id: string;
  /** Whose responses and conversations it sees. Default: `default`. */
  readonly tenant?: string;
  /** Who it is in the tenant, the project it works for, and the key that it showed, where that is known. */
  readonly user?: string;
  readonly project?: string;
  readonly key?: string;
  /** Default: all. */
  readonly scopes?: readonly Scope[];
  /** Names of the models that it may use, or patterns with `*`. Default: all. */
  readonly models?: readonly string[];
  /** What it may have at a time, in place of `limits.perCaller`, and use in a minute. */
  readonly limits?: CallerLimits;
  /** What it may cost, beside what its tenant may. */
  readonly budgets?: readonly Budget[];
}

/** What may be used in a minute, in all processes together; what is absent is not limited. */
export interface Rates {
  readonly requestsPerMinute?: number | undefined;
  readonly tokensPerMinute?: number | undefined;
}

/** Whether limits, or budgets, are on what is used in windows of time. */
export function limitsUse(
  owner: { limits?: Rates | undefined; budgets?: readonly Budget[] | undefined } | undefined,
): boolean {
  const { limits, budgets } = owner ?? {};
  return limits?.requestsPerMinute !== undefined || limits?.tokensPerMinute !== undefined || budgets !== undefined;
}

/** What may be spent of a cost, which has a name in `costs`, in each window of so many milliseconds, in all processes together. */
export interface Budget {
  readonly cost: string;
  readonly amount: number;
  readonly window: number;
}

/**
 * What one caller may have at a time in all processes together; what is absent is as `limits.perCaller` of the configuration has it, for
 * one process. Its rates are counted by its key.
 */
export interface CallerLimits extends Rates {
  /** Turns that are made or wait, those that clients wait for. */
  readonly turns?: number | undefined;
  /** Background turns that are made or wait. */
  readonly backgroundTurns?: number | undefined;
  /** WebSockets. */
  readonly sockets?: number | undefined;
}

/** The tenant of callers who have no other, and of all that was stored before there were tenants. */
export const DEFAULT_TENANT = 'default';

/** The name that the configuration has for each tenant that it does not name. */
export const ANY_TENANT = '*';

/** The entry of a tenant in a mapping by their names, or of each that is not named there. */
export function entryOf<T>(entries: Readonly<Record<string, T>>, tenant = DEFAULT_TENANT): T | undefined {
  return Object.hasOwn(entries, tenant) ? entries[tenant] : entries[ANY_TENANT];
}

/** Whether what is stored is seen by all of its tenant, or by the user that made it alone. */
export type Isolation = 'tenant' | 'user';

/** Between a tenant and its user where users are apart; a name holds no such character. */
const SEPARATOR = '\u001f';

/** What a request comes with beside its headers, as far as it tells who sends it. */
export interface Sender {
  /** The sender's address. */
  readonly peer?: string | undefined;
  /** What a proxy says of the sender. */
  readonly vouched?: Vouched | undefined;
}

/**
 * What a proxy that has proved to be ours says of a request's sender: nobody else can write it. On plain HTTP it has no words but the
 * request's headers.
 */
export interface Vouched {
  /** By ext_proc, Envoy's dynamic metadata by namespace. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** By ext_proc, Envoy's attributes by name, such as `connection.uri_san_peer_certificate`. */
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/**
 * Identifies the caller of a request; `sender` has its address. It must not trust headers that the sender can write, but for a
 * sender that is `vouched` for. A thrown ApiError refuses the request; any other error is a 500. It is called once for a request,
 * and for a WebSocket at its handshake and before each turn.
 */
export type Identify = (request: Request, sender: Sender) => Caller | Promise<Caller>;

/**
 * Identifies callers by the network that they call from: an IPv4 address, or the /64 of an IPv6 one, which is what one
 * subscriber gets. All whose address no ingress knows are one caller.
 */
export const identifyByAddress: Identify = (_request, { peer }) => ({ id: peer ? networkOf(peer) : 'unknown' });

/** Whether a text can be the name of a tenant, a user or a project: 1 to 256 characters, none of which is a control. */
export function isName(text: string): boolean {
  return /^[^\p{Cc}\p{Cs}]{1,256}$/u.test(text);
}

/** Where a caller's rows are: its tenant, or a part of it that one user has alone. Undefined for a user who has no name. */
export function partitionOf(
  { tenant = DEFAULT_TENANT, user }: Pick<Caller, 'tenant' | 'user'>,
  isolation: Isolation,
): string | undefined {
  if (isolation === 'tenant') return tenant;
  return user === undefined ? undefined : `${tenant}${SEPARATOR}${user}`;
}

/** The tenant whose rows are there. */
export function tenantOf(partition: string): string {
  return partition.split(SEPARATOR, 1)[0] ?? partition;
}

/** The user whose rows alone are there; undefined where those of a tenant are. */
export function userOf(partition: string): string | undefined {
  return partition.split(SEPARATOR, 2)[1];
}

/** The text behind a tenant and the partitions of its users, and before all other tenants: no name has a control character. */
export function afterUsersOf(tenant: string): string {
  return `${tenant} `;
}

/** Whether a caller may do that. */
export function may({ scopes }: Caller, scope: Scope): boolean {
  return scopes?.includes(scope) ?? true;
}

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
