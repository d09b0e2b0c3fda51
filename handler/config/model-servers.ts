import * as v from 'valibot';
import { deploymentAt, isOpenAIs, protocols, serverNames } from '../backend/index.ts';
import { connection } from './connection.ts';
import { httpUrl } from './http-url.ts';
import { joinNames } from './names.ts';
import { integer } from './quantity.ts';
import { secretText } from './secrets.ts';
import { membersOf, type SendConfig, send } from './send.ts';
import { sendMistakes } from './send-fits.ts';
import { HEADER_TEXT } from './send-headers.ts';

const servers = Object.keys(protocols) as (keyof typeof protocols)[]; // a table has no other keys

/** Names of the built-in backends. A root may add others. */
export const builtIn = [...servers, 'demo'] as const;

const ONLY_KNOWN = `is known to ${joinNames(
  servers.filter((name) => protocols[name].hasKnownServers),
  'and',
)} only`;

/** What is said of one server, in an entry of `models` or in its `to`; in the entry it holds for all of its `to`. */
export const serverKeys = {
  /** The server by its name, where neither its host nor its own answers tell which it is. */
  server: v.optional(v.picklist(serverNames, `must be ${joinNames(serverNames, 'or')}`)),
  /** Whether the server is OpenAI's, or a proxy to it that its URL does not show. */
  openai: v.optional(v.boolean('must be true or false')),
  /** What is sent to it, over what is known of it. */
  send: v.optional(send),
  /** Grammars of custom tools: refused, or described to the model, which is not bound by them. */
  grammars: v.optional(v.picklist(['refuse', 'describe'], 'must be refuse or describe')),
  ...connection,
  /** The model's name there. Default: the one that was asked for. */
  as: v.optional(v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'))),
  /** The most calls that it makes at a time for one process. */
  concurrency: v.optional(integer(1)),
};

/** Where one server is, and the key that it is sent. */
export const placeKeys = {
  url: v.optional(httpUrl),
  key: v.optional(v.pipe(secretText, v.regex(HEADER_TEXT, 'must be one line that a header can hold'))),
};

/** One of several servers, in `to`. */
export const oneOfSeveral = v.strictObject({
  ...serverKeys,
  ...placeKeys,
  backend: v.optional(v.picklist(builtIn)),
  /** Its share of the calls; 0 for none. */
  weight: v.optional(integer(0, 1_000_000)),
  /** Those with a higher number get what those with a lower one cannot take. */
  priority: v.optional(integer(0, 100)),
});

type OneOfSeveral = v.InferOutput<typeof oneOfSeveral>;

/** One server of an entry, with all that the entry says of it. */
export interface ServerConfig extends Omit<OneOfSeveral, 'as'> {
  backend: (typeof builtIn)[number];
  /** The model's name there. Default: the one that was asked for. */
  name?: string | undefined;
}

/** An entry of `models`, as far as it says which servers there are. */
export interface ServersConfig extends Omit<OneOfSeveral, 'weight' | 'priority'> {
  backend: (typeof builtIn)[number];
  to?: OneOfSeveral[] | undefined;
  probe?: number | undefined;
  timeouts?: { hedge?: number | 'off' | undefined } | undefined;
}

/** The servers of an entry: those of its `to`, each with its own keys over those of the entry, else the one that it is. */
export function serversOf({ to, as: alias, ...entry }: ServersConfig): ServerConfig[] {
  if (!to) return [{ ...entry, name: alias }];
  const { backend, server, openai, send, grammars, ca, proxy, concurrency } = entry;
  return to.map(({ as: name = alias, ...own }) => {
    // Which server it is, is one thing, that one key or the other says.
    const isOther = own.server !== undefined || own.openai !== undefined || own.backend !== undefined;
    const shared = { send, grammars, ca, proxy, concurrency, ...(!isOther && { server, openai }) };
    return { ...shared, ...own, name, backend: own.backend ?? backend };
  });
}

/** The mistakes of an entry's servers that their keys make together, each with its path. */
export function* serverMistakes(entry: ServersConfig): Generator<[path: string[], says: string]> {
  const { to, probe, timeouts } = entry;
  if (timeouts?.hedge !== undefined && (to ?? [entry]).length < 2)
    yield [['timeouts', 'hedge'], 'is for an entry with several servers in `to`: with one there is no other to ask'];
  for (const [index, server] of (to ?? [entry]).entries())
    yield* idleKeys(server, to ? ['to', String(index)] : [], probe);
  if (!to) return yield* mistakesOf(entry, []);
  for (const name of ['url', 'key'] as const)
    if (entry[name] !== undefined) yield [[name], 'belongs into each server of `to`'];
  for (const [index, server] of serversOf(entry).entries()) yield* mistakesOf(server, ['to', String(index)]);
  if (to.every(({ weight }) => weight === 0)) yield [['to'], 'has servers of the weight 0 alone, which get no calls'];
}

/** What a server says of itself, and nothing would come of. */
function* idleKeys(
  { ca, url = '' }: OneOfSeveral,
  at: string[],
  probe: number | undefined,
): Generator<[path: string[], says: string]> {
  if (ca !== undefined && url.startsWith('http:'))
    yield [[...at, 'ca'], 'is for a server whose url begins with https://'];
  if (probe !== undefined && deploymentAt(url) !== undefined)
    yield [['probe'], 'is not for a deployment of Azure, which has no list of models to be asked for'];
}

function* mistakesOf(config: ServerConfig, at: string[]): Generator<[path: string[], says: string]> {
  const { backend, url, openai, server, grammars, send, ca, proxy } = config;
  const isDemo = backend === 'demo';
  if (isDemo === (url !== undefined))
    yield [[...at, 'url'], `is needed by ${joinNames(servers, 'and')}, and unknown to demo`];
  for (const [name, value] of Object.entries({ grammars, ca, proxy }))
    if (isDemo && value !== undefined) yield [[...at, name], 'is unknown to demo'];
  if (openai !== undefined && !hasServers(backend)) yield [[...at, 'openai'], ONLY_KNOWN];
  if (server !== undefined && !hasServers(backend)) yield [[...at, 'server'], ONLY_KNOWN];
  if (server !== undefined && openai !== undefined && isOpenAIs(server) !== openai)
    yield [[...at, 'server'], 'contradicts `openai`: leave one of them out'];
  for (const [path, says] of sendMistakes(config)) yield [[...at, 'send', ...path], says];
  const [stranger] = strangersIn(send, backend);
  if (stranger === undefined) return;
  const says = isDemo
    ? 'is unknown to demo'
    : `has ${stranger}, which ${backend} cannot do without or does not send: it may have ${joinNames(protocols[backend].members, 'and')}`;
  yield [[...at, 'send'], says];
}

/** Whether the servers of the table of known ones speak a protocol. */
function hasServers(backend: (typeof builtIn)[number]): boolean {
  return backend !== 'demo' && protocols[backend].hasKnownServers;
}

/** The members that rules are about, and that the protocol does not have. */
function strangersIn(send: SendConfig | undefined, backend: (typeof builtIn)[number]): string[] {
  if (!send) return [];
  if (backend === 'demo') return ['a rule'];
  return membersOf(send).filter((name) => !protocols[backend].members.includes(name));
}
