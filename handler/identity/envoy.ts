import { type Caller, DEFAULT_TENANT, isName, type Vouched } from '../caller.ts';
import type { EnvoyEntry } from '../config/auth-envoy.ts';
import { badCredential, type Identifier, scopesIn } from './identifier.ts';

/** What Envoy says of a client, by word; undefined and empty texts are no word. */
type Said = (word: Word) => unknown;
type Word = 'tenant' | 'user' | 'project' | 'scopes';

/** Where an entry reads: which words there are to be, and what was said. */
interface Source {
  words: Partial<Record<Word, unknown>>;
  said: Said;
}

type Reader = (vouched: Vouched, headers: Headers) => Source | undefined;

/**
 * Identifies callers by what an Envoy says that has proved to be ours; nobody else is believed. By ext_proc its metadata or the
 * client's certificate count, and headers only where the entry has neither: a client may have written them if Envoy did not.
 */
export function envoyIdentifier(entry: EnvoyEntry): Identifier {
  const read = readerOf(entry);
  return ({ headers }, { vouched }) => {
    const source = vouched && read(vouched, headers);
    return source && callerOf(source);
  };
}

function readerOf({ metadata, certificate, headers: names }: EnvoyEntry): Reader {
  if (certificate) return certificateReader(certificate);
  return (vouched, headers) => {
    if (metadata && vouched.metadata) {
      const said = at(vouched.metadata, [metadata.namespace]);
      return { words: metadata, said: (word) => metadata[word] && at(said, metadata[word]) };
    }
    return names && { words: names, said: (word) => names[word] && headerOf(headers, names[word]) };
  };
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
    tenant: tenant ?? DEFAULT_TENANT,
    ...(user !== undefined && { user }),
    ...(project !== undefined && { project }),
    ...(words.scopes !== undefined && { scopes: scopesIn(said('scopes')) }),
  };
}

/** A name that was said; undefined for none. Whole numbers are names as well, but not those of which a double may be another. */
function nameOf(word: Word, said: unknown): string | undefined {
  if (said === undefined || said === null || said === '') return undefined;
  const name = Number.isSafeInteger(said) ? String(said) : said;
  if (typeof name === 'string' && isName(name)) return name;
  throw badCredential(`The ${word} that the proxy in front says is no name: 1 to 256 characters without controls.`);
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

/** Envoy's attributes of a certificate, and what a word of a pattern may hold: not what separates words there. */
const FIELDS = {
  uri: { attribute: 'connection.uri_san_peer_certificate', word: '[^/?#,]+', whole: '[^,]+' },
  dns: { attribute: 'connection.dns_san_peer_certificate', word: '[^.,]+', whole: '[^,]+' },
  subject: { attribute: 'connection.subject_peer_certificate', word: '[^,+\\\\]+', whole: '.+' },
};

function certificateReader({ field, pattern, header }: NonNullable<EnvoyEntry['certificate']>): Reader {
  const { attribute, word, whole } = FIELDS[field];
  const literal = pattern?.replace(/[\\^$.*+?()[\]|/]/g, '\\$&');
  const words = literal?.replace(/\{(tenant|user|project)\}/g, `(?<$1>${word})`) ?? `(?<user>${whole})`;
  const expression = new RegExp(`^${words}$`, 'su');
  return ({ attributes }, headers) => {
    const value = attributes ? attributes[attribute] : header && headerOf(headers, header);
    if (typeof value !== 'string' || value === '') return undefined;
    const groups = expression.exec(value)?.groups;
    if (!groups)
      throw badCredential(`The ${field} of the client's certificate is not as \`certificate.pattern\` says.`);
    return { words: groups, said: (word) => groups[word] };
  };
}
