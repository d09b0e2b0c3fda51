import { matcher } from '../pattern.ts';
import { listedAs, type ModelContexts } from './contexts.ts';
import { type KnownBackend, type ModelServer, openModelServer } from './server.ts';
import { type RoutePolicy, ServerGroup } from './server-group.ts';

/** An entry of the configuration's `models`: names that match the pattern go to its servers. */
export interface ModelRoute {
  /** A name, or a pattern in which each `*` matches any characters. */
  match: string;
  /** One at least. */
  servers: readonly ModelServer[];
  /** How calls are spread over them. Default: the first gets all, and what it fails at has failed. */
  policy?: RoutePolicy | undefined;
  /** Context window of the model in tokens, where the configuration says. */
  context?: number | undefined;
  /** Whether responses name the model as its server does, and not as they were asked for. */
  showsServed?: boolean | undefined;
}

/** An entry of the configuration's `models`, open. */
export interface RoutedEntry extends Pick<ModelRoute, 'match' | 'context'> {
  matches(name: string): boolean;
  group: ServerGroup;
  /** Without a policy all calls go to the one server. */
  isPlain: boolean;
  /** The servers of which something can be known. */
  known: readonly { name?: string | undefined; contexts: ModelContexts | undefined; list: KnownBackend['list'] }[];
  showsServed: boolean;
}

/** By whom calls are made where nothing says how: one server alone, whose failures are its callers'. */
const PLAIN: RoutePolicy = {
  balance: 'leastLoaded',
  retry: { attempts: 0, on: [] },
  fallback: [],
  timeouts: {},
  breaker: { failures: Number.POSITIVE_INFINITY, open: 0 },
};

/** Opens an entry. */
export function entryOf({ match, servers, policy, context, showsServed = false }: ModelRoute): RoutedEntry {
  const opened = servers.map((server, at) => openModelServer(server, at, match));
  const group = new ServerGroup(
    opened.map(({ server }) => server),
    policy ?? PLAIN,
  );
  const known = opened.map(({ known }) => known);
  return { match, matches: matcher(match), context, group, isPlain: policy === undefined, known, showsServed };
}

/** A model that requests may name, and what is known of it. */
export interface KnownModel {
  id: string;
  /** Its context in tokens, as the configuration says or its servers list it. */
  context: number | undefined;
  /** What it takes, where its servers list that. */
  inputs: readonly string[] | undefined;
  /** How many servers it has, and how many of them may be asked. */
  servers: { up: number; all: number };
}

/** The models of an entry: its own name, or those that its servers list and its pattern matches, each once. */
export async function modelsOfEntry(entry: RoutedEntry, timeout: number): Promise<KnownModel[]> {
  const lists = await Promise.all(entry.known.map(({ list }) => list(timeout)));
  const isPattern = entry.match.includes('*');
  const listed = isPattern ? new Set(lists.flat().map(({ id }) => id)) : [entry.match];
  const now = performance.now();
  const { servers } = entry.group;
  const up = servers.filter(({ health }) => health.state(now) !== 'open').length;
  return [...listed].filter(entry.matches).map((id) => {
    const there = lists.flatMap((list, at) => listedAs(list, entry.known[at]?.name ?? id) ?? []);
    const contexts = there.flatMap(({ context }) => context ?? []);
    return {
      id,
      context: entry.context ?? (contexts.length > 0 ? Math.min(...contexts) : undefined),
      inputs: there.find(({ inputs }) => inputs)?.inputs,
      servers: { up, all: servers.length },
    };
  });
}
