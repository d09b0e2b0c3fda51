import { wordsIn } from '../../handler/index.ts';
import { plain } from './plain.ts';
import type { Exchange } from './record-transport.ts';

/** What a request for a server's list of models came to, where that is no list. */
export interface Diagnosis {
  /** What came, in some words. */
  came: string;
  /** What to do about it; undefined where another URL may tell. */
  cure?: string;
  /** Base URLs that may be the right one, the likeliest first. */
  others: string[];
}

/** The server as the configuration has it. */
export interface Target {
  url: string;
  hasKey: boolean;
  /** Whether the authorities are set that its certificate may be from. */
  hasCa: boolean;
  /** Where the key is set, such as `models.0.key`. */
  keyAt: string;
  urlAt: string;
  /** Where its other keys are set, such as `models.0`. */
  at: string;
}

/** The most characters of a server's own words. */
const MAX_WORDS = 200;

/** Codes of certificates that are not trusted, and what to do about them. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/;
const TRUST = 'name the file of its authority in `ca`, or let Node trust that with NODE_EXTRA_CA_CERTS=FILE';

/** Endings of URLs that are no base URLs: somebody has pasted the address of one call. */
const ENDPOINT = /\/(chat\/completions|completions|responses|messages|models|embeddings)$/;

/** Where the servers that people run have their APIs. */
const USUAL_PATHS = ['/v1', '/openai/v1', '/api/v1', '/v1beta/openai'];

/** Says what is wrong with a server by what came for its list. */
export function diagnose(target: Target, exchange: Exchange | undefined, error: unknown): Diagnosis {
  const { status } = exchange ?? {};
  if (!exchange || status === undefined || (status === 200 && exchange.error !== undefined)) {
    return withoutReply(target, exchange?.error ?? error, status);
  }
  const words = saidBy(exchange);
  const answered = `${status}${words && ` (${words})`}`;
  if (status === 401 || status === 403) {
    const [did, cure] = target.hasKey
      ? ['refuses the key', `correct ${target.keyAt}`]
      : ['asks for a key', `set ${target.keyAt}`];
    return {
      came: `${did}: ${answered}`,
      cure,
      others: isCallUrl(target.url) ? otherPaths(target.url).slice(0, 1) : [],
    };
  }
  if (status >= 300 && status < 400) return redirected(target, exchange, status);
  if (status === 400 && /https/i.test(exchange.start)) {
    return {
      came: `answers ${answered}`,
      cure: `write https:// in ${target.urlAt}`,
      others: [otherScheme(target.url)],
    };
  }
  if (status === 429 || status >= 500) {
    return { came: `answers ${answered}`, cure: 'it may be starting, or overloaded; see its log', others: [] };
  }
  if (status === 200 && isList(exchange)) {
    const cure = 'GET /v1/models leaves its models out; a turn may work all the same';
    return { came: 'its list of models is no JSON, or too long to be read', cure, others: [] };
  }
  const others = otherPaths(target.url);
  if (status !== 200) return { came: `answers ${answered}`, others };
  if (/^\s*</.test(exchange.start)) return { came: `answers with a page${words && ` (${words})`}`, others };
  if (/^\s*[{[]/.test(exchange.start)) return { came: 'answers with JSON that is no list of models', others };
  return { came: `answers with what is no list of models${words && ` (${words})`}`, others };
}

/** Whether the start of a reply is that of a list, which may be empty. */
export function isList({ start }: Exchange): boolean {
  return /"data"\s*:|"object"\s*:\s*"list"/.test(start);
}

function withoutReply(target: Target, error: unknown, status: number | undefined): Diagnosis {
  const { url, urlAt, hasCa, at } = target;
  const { hostname, host, protocol } = new URL(url);
  const codes = codesOf(error);
  const is = (pattern: RegExp) => codes.find((code) => pattern.test(code));
  const proxy = is(/^ERR_PROXY/);
  if (proxy) return withoutProxy(at, proxy, codes[codes.indexOf(proxy) + 1]);
  if (is(/^(TimeoutError|AbortError)$/)) {
    const cure = `see whether the server runs, and ${urlAt} is its address`;
    if (status !== undefined) return { came: 'begins to answer, and does not end in time', cure, others: [] };
    return { came: 'does not answer in time', cure, others: [otherScheme(url)] };
  }
  if (is(/^ECONNREFUSED$/)) {
    const cure = `start the server, or correct host and port in ${urlAt}`;
    return { came: `nothing listens at ${host} (ECONNREFUSED)`, cure, others: [] };
  }
  const unknown = is(/^(ENOTFOUND|EAI_AGAIN|EAI_FAIL|ENODATA)$/);
  if (unknown)
    return { came: `there is no host ${hostname} (${unknown})`, cure: `correct the host in ${urlAt}`, others: [] };
  const certificate = is(UNTRUSTED);
  if (certificate) {
    const cure = hasCa
      ? `${at}.ca has to be the authority that signed it, and ${urlAt} the host that it has`
      : `${TRUST}, or name the host that its certificate has`;
    return { came: `its certificate is not trusted (${certificate})`, cure, others: [] };
  }
  const what = codes[0] ?? 'unknown';
  const otherWays = `correct port or scheme in ${urlAt}`;
  const isGarbled = is(/^(EPROTO|ERR_SSL|ERR_TLS|HPE_|HTTPParserError)/);
  if (protocol === 'https:' && isGarbled) {
    return { came: `does not speak TLS there (${isGarbled})`, cure: otherWays, others: [otherScheme(url)] };
  }
  if (is(/^(ECONNRESET|UND_ERR_SOCKET|EPIPE)/)) {
    return { came: `breaks the connection (${what})`, cure: otherWays, others: [otherScheme(url)] };
  }
  if (isGarbled)
    return { came: `does not speak HTTP there (${isGarbled})`, cure: otherWays, others: [otherScheme(url)] };
  if (is(/^(E(HOST|NET)UNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|EADDRNOTAVAIL)$/)) {
    return { came: `cannot be reached (${what})`, cure: `correct the host in ${urlAt}, or the network`, others: [] };
  }
  return { came: `cannot be asked (${plain(what, MAX_WORDS)})`, others: otherPaths(url) };
}

/** Of a proxy that could not be used; `why` is what was wrong with a connection to it. */
function withoutProxy(at: string, code: string, why: string | undefined): Diagnosis {
  const status = /\d+$/.exec(code)?.[0];
  if (status === undefined) {
    const came = `its proxy cannot be reached${why ? ` (${plain(why, MAX_WORDS)})` : ''}`;
    return { came, cure: `correct host and port in ${at}.proxy`, others: [] };
  }
  if (status === '407') {
    const cure = `write http://USER:PASSWORD@HOST:PORT in ${at}.proxy, or correct it`;
    return { came: 'its proxy asks for a user and a password (407)', cure, others: [] };
  }
  return { came: `its proxy answers ${status}`, cure: `let ${at}.proxy pass it on, or name another`, others: [] };
}

function redirected({ url, urlAt }: Target, { url: asked, header }: Exchange, status: number): Diagnosis {
  const location = header?.('location') ?? '';
  const to = URL.canParse(location, asked) ? new URL(location, asked) : undefined;
  if (!to || !/^https?:$/.test(to.protocol))
    return { came: `redirects (${status}), and says nowhere`, others: otherPaths(url) };
  // A query may hold a token of a login.
  const target = `${to.origin}${to.pathname}`.replace(/\/models\/?$/, '');
  const came = `redirects (${status}) to ${plain(target, MAX_WORDS)}`;
  const cure = `redirects are not followed: write in ${urlAt} where it leads, if that is its API`;
  // The key goes to no host that the configuration does not name.
  if (to.hostname === new URL(url).hostname) return { came, cure, others: [target, ...otherPaths(url)] };
  return { came, cure, others: [] };
}

/** Whether a URL is the address of one call. */
export function isCallUrl(url: string): boolean {
  return ENDPOINT.test(new URL(url).pathname.replace(/\/+$/, ''));
}

/** The base URL of the address of one call, with its query. */
export function withoutCall(url: string): string {
  const { origin, pathname, search } = new URL(url);
  return origin + pathname.replace(/\/+$/, '').replace(ENDPOINT, '') + search;
}

/** How another URL answers for which this came; undefined where it is none that may have been meant. */
export function howOtherAnswers(exchange: Exchange | undefined): string | undefined {
  if (exchange?.status === 401) return 'answers, and asks for a key';
  if (codesOf(exchange?.error).some((code) => UNTRUSTED.test(code))) {
    return `answers, with a certificate that is not trusted (${TRUST})`;
  }
  return undefined;
}

/** The same host with the other scheme. */
function otherScheme(url: string): string {
  return url.startsWith('https:') ? url.replace('https:', 'http:') : url.replace('http:', 'https:');
}

function otherPaths(url: string): string[] {
  const { origin, pathname } = new URL(url);
  const path = pathname.replace(/\/+$/, '');
  const bare = path.replace(ENDPOINT, '');
  const below = /\/v\d\w*$/.test(bare) ? bare.replace(/\/v\d\w*$/, '') : `${bare}/v1`;
  const paths = new Set([bare, below, ...USUAL_PATHS]);
  if (!/[?#]/.test(url)) paths.delete(path);
  return [...paths].map((other) => origin + other);
}

/** Codes of an error and its causes, or their names. */
function codesOf(error: unknown): string[] {
  const codes: string[] = [];
  const look = (at: unknown, depth: number) => {
    if (!(at instanceof Error) || depth > 5) return;
    const { code } = at as { code?: unknown }; // as Node's errors have it
    codes.push(typeof code === 'string' ? code : at.name === 'Error' ? at.message : at.name);
    if (at instanceof AggregateError) for (const inner of at.errors) look(inner, depth + 1);
    look(at.cause, depth + 1);
  };
  look(error, 0);
  return codes;
}

/** A server's own words in a reply: those of its error, the title of a page, else its start. */
function saidBy({ start }: Exchange): string {
  const title = /<title[^>]*>([^<]*)/i.exec(start)?.[1];
  return plain(
    title ?? (/^\s*</.test(start) ? '' : wordsIn(start) || (/^\s*[{[]/.test(start) ? '' : start)),
    MAX_WORDS,
  );
}
