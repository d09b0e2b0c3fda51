import type { BackendEvent, ModelCall, Prepare, PreparedCall } from '../backend/backend.ts';
import type { Claimant } from '../caller-count.ts';
import { ApiError } from '../errors.ts';
import { keyOf } from './affinity.ts';
import type { RoutedEntry } from './entry.ts';
import { type CallOf, type RoutedWork, routedCall } from './routed-call.ts';
import type { ModelAddress, OpenServer } from './server.ts';
import type { ServerGroup } from './server-group.ts';

/** A server as its calls are watched. */
export type WatchedServer = Pick<OpenServer, 'prepare' | 'address' | 'match' | 'server'>;

/** A server that is asked: where it is, whose model it has in place of the one that was asked for, and how many were passed over before. */
export interface AskedServer {
  address: ModelAddress;
  fallback: string | null;
  passedOver: number;
}

/** For whom a model is called, and who is told how that goes. */
export interface Calls {
  /** The server that calls of one session prefer. Default: one by what the calls begin with. */
  affinity(): string | undefined;
  /** Who waits for a place. */
  claimant: Claimant;
  /** Of the request, for the log. */
  requestId: string | undefined;
  /** Whether a tool has run in an earlier process, so that no other model may go on. */
  isResumed?: boolean;
  /** A server with its calls watched, for as long as the turn lasts. */
  watch(server: WatchedServer): Prepare;
  /** One of several servers is asked now. */
  asked?(server: AskedServer): void;
}

/** The model of a turn, and those that may answer in its place. */
export interface Routed {
  entry: RoutedEntry;
  model: string;
  /** Throws for a name that no entry matches. */
  find(model: string): RoutedEntry;
}

/**
 * Prepares the calls of one turn for the servers of its model. A call is prepared anew, from what it was before, for each server that it is
 * tried at. Once a call was answered, the later ones are made by servers of that model alone.
 */
export function openCalls({ entry, model, find }: Routed, calls: Calls): Prepare {
  const watched = new Map<OpenServer, Prepare>();
  let names = new Map<ServerGroup, string>();
  let entries: RoutedEntry[] | undefined = calls.isResumed ? [entry] : undefined;
  const candidates = () => {
    if (!entries) ({ entries, names } = candidatesOf({ entry, model, find }));
    return entries;
  };
  const prepareAt = (call: ModelCall, server: OpenServer, group: ServerGroup): PreparedCall => {
    const prepare = watched.get(server) ?? calls.watch(server);
    watched.set(server, prepare);
    return prepare({ ...call, model: names.get(group) ?? model });
  };
  return (call) => {
    const all = candidates();
    const affinity = calls.affinity() ?? keyOf(call);
    const first = firstCarried(all, affinity, (server, group) => prepareAt(call, server, group));
    const of: CallOf = {
      affinity,
      claimant: calls.claimant,
      requestId: calls.requestId,
      model,
      asked({ address }, group, passedOver) {
        calls.asked?.({ address, fallback: names.get(group) ?? null, passedOver });
      },
      heard(group) {
        entries = all.filter((one) => one.group === group);
      },
    };
    return {
      ...(first.prepared.countTokens && { countTokens: first.prepared.countTokens }),
      stream(signal, options) {
        const work: RoutedWork<BackendEvent> = {
          isWord: ({ type }) => type !== 'keep_alive',
          alive: { type: 'keep_alive' },
          at(server, group) {
            const prepared = server === first.server ? first.prepared : prepareAt(call, server, group);
            return (own, answered) => prepared.stream(own, { ...options, answered });
          },
        };
        const groups = all.map(({ group }) => group);
        return routedCall(
          work,
          { groups, fits: (group, than) => fits(all, group, than) },
          { ...of, first: first.server },
          signal,
          options?.answered,
        );
      },
    };
  };
}

/** The entries that may answer for a model: its own, then those of its fallbacks, by whose names they are asked. */
export function candidatesOf({ entry, find }: Routed): { entries: RoutedEntry[]; names: Map<ServerGroup, string> } {
  const names = new Map<ServerGroup, string>();
  const fallbacks = entry.group.policy.fallback.map((name) => {
    const found = find(name);
    names.set(found.group, name);
    return found;
  });
  return { entries: [entry, ...fallbacks.filter((one) => one !== entry)], names };
}

/** What is prepared at the server that is to be asked first, of those that can carry it; throws what the first of all cannot. */
export function firstCarried<P>(
  entries: readonly RoutedEntry[],
  affinity: string,
  prepareAt: (server: OpenServer, group: ServerGroup) => P,
): { server: OpenServer; prepared: P } {
  let refusal: unknown;
  for (const { group } of entries) {
    const tried = new Set<OpenServer>();
    for (;;) {
      const server = group.choose(affinity, tried) ?? group.servers.find((one) => !tried.has(one));
      if (!server) break;
      tried.add(server);
      try {
        return { server, prepared: prepareAt(server, group) };
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        refusal ??= error;
      }
    }
  }
  throw refusal;
}

/** Whether a model has a larger context than another, as far as the configuration says. */
export function fits(entries: readonly RoutedEntry[], group: ServerGroup, than: ServerGroup): boolean {
  const contextOf = (one: ServerGroup) => entries.find((entry) => entry.group === one)?.context;
  const [larger, smaller] = [contextOf(group), contextOf(than)];
  return larger !== undefined && (smaller === undefined || larger > smaller);
}
