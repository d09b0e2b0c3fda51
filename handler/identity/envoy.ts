import { type Caller, DEFAULT_TENANT, isName, type Scope, scopes, type Vouched } from '../caller.ts';
import type { EnvoyEntry } from '../config/auth-envoy.ts';
import { badCredential, type Identifier } from './identifier.ts';

/** What Envoy says of a client, by word; undefined and empty texts are no word. */
type Said = (word: Word) => unknown;
type Word = 'tenant' | 'user' | 'project' | 'scopes';

/** Where an entry reads: which words there are to be, and what was said. */
interface Source {
  words: Partial<Record<Word, unknown>>;
  said: Said;
}

/**
 * Identifies callers by what an Envoy says that has proved to be ours; nobody else is believed. By ext_proc its metadata or the
 * client's certificate count, and headers only where the entry has neither: a client may have written them if Envoy did not.
 */
export function envoyIdentifier(entry: EnvoyEntry): Identifier {
  const read = entry.certificate && certificateReader(entry.certificate);
  return ({ headers }, { vouched }) => {
    const source = vouched && sourceOf(entry, headers, vouched, read);
    return source && callerOf(source);
  };
}

function sourceOf(
  { metadata, headers }: EnvoyEntry,
  sent: Headers,
  vouched: Vouched,
  read: CertificateReader | undefined,
): Source | undefined {
  if (metadata && vouched.metadata) {
    const said = at(vouched.metadata, [metadata.namespace]);
    return { words: metadata, said: (word) => metadata[word] && at(said, metadata[word]) };
  }
  if (read && vouched.attributes) return read(vouched.attributes);
  const onlyHeaders = !vouched.metadata || !(metadata || read);
  return headers && onlyHeaders
    ? { words: headers, said: (word) => headers[word] && headerOf(sent, headers[word]) }
    : undefined;
}

/** Undefined where nothing is said; all that the entry names of tenant and user has to be there, or none of it. */
function callerOf({ words, said }: Source): Caller | undefined {
  const [tenant, user, project] = (['tenant', 'user', 'project'] as const).map((word) => nameOf(word, said(word)));
  const missing = [
    ...(words.tenant !== undefined && tenant === undefined ? ['tenant'] : []),
    ...(words.user !== undefined && user === undefined ? ['user'] : []),
  ];
  if (tenant === undefined && user === undefined) return undefined;
  if (missing[0]) throw badCredential(`The proxy in front does not say the ${missing[0]}.`);
  return {
    // As JSON, so that no two callers have the same.
    id: JSON.stringify([tenant ?? DEFAULT_TENANT, user]),
    ...(tenant !== undefined && { tenant }),
    ...(user !== undefined && { user }),
    ...(project !== undefined && { project }),
    ...(words.scopes !== undefined && { scopes: scopesOf(said('scopes')) }),
  };
}

/** A name that was said; undefined for none. Whole numbers are names as well, but not those of which a double may be another. */
function nameOf(word: Word, said: unknown): string | undefined {
  if (said === undefined || said === null || said === '') return undefined;
  const name = Number.isSafeInteger(said) ? String(said) : said;
  if (typeof name === 'string' && isName(name)) return name;
  throw badCredential(`The ${word} that the proxy in front says is no name: 1 to 256 characters without controls.`);
}

/** The scopes of a list, or of a text with spaces between them, that are known; none where nothing is said. */
function scopesOf(said: unknown): Scope[] {
  const listed: unknown[] = typeof said === 'string' ? said.split(' ') : Array.isArray(said) ? said : [];
  return scopes.filter((scope) => listed.includes(scope));
}

/** What is at a path, of own members alone. */
function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, step) =>
      // A cast, since `in` and hasOwn do not tell an object's members.
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
        ? (inner as Record<string, unknown>)[step]
        : undefined,
    value,
  );
}

/** A header's value, in UTF-8 where it is; one that came twice is refused, since a client may have sent the other. */
function headerOf(headers: Headers, name: string): string | undefined {
  const value = headers.get(name);
  if (!value) return undefined;
  if (value.includes(', ')) throw badCredential(`The header ${name} has more than one value.`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(value, (byte) => byte.charCodeAt(0)));
  } catch (cause) {
    throw badCredential(`The header ${name} is not UTF-8.`, cause);
  }
}

type CertificateReader = (attributes: NonNullable<Vouched['attributes']>) => Source | undefined;

/** Envoy's attributes of a certificate, and what a word of a pattern may hold: not what separates words there. */
const FIELDS = {
  uri: { attribute: 'connection.uri_san_peer_certificate', word: '[^/?#]+' },
  dns: { attribute: 'connection.dns_san_peer_certificate', word: '[^.]+' },
  subject: { attribute: 'connection.subject_peer_certificate', word: '[^,+\\\\]+' },
};

function certificateReader({ field, pattern }: NonNullable<EnvoyEntry['certificate']>): CertificateReader {
  const { attribute, word } = FIELDS[field];
  const literal = pattern?.replace(/[\\^$.*+?()[\]|/]/g, '\\$&');
  const whole = literal?.replace(/\{(tenant|user|project)\}/g, `(?<$1>${word})`) ?? '(?<user>.*)';
  const expression = new RegExp(`^${whole}$`, 'su');
  return (attributes) => {
    const value = attributes[attribute];
    if (typeof value !== 'string' || value === '') return undefined;
    const words = expression.exec(value)?.groups;
    if (!words) throw badCredential(`The ${field} of the client's certificate is not as \`certificate.pattern\` says.`);
    return { words, said: (word) => words[word] };
  };
}
