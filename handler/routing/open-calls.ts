import type { BackendEvent, KeepAlive, ModelCall, Prepare, PreparedCall } from '../backend/backend.ts';
import type { Claimant } from '../caller-count.ts';
import { ApiError, toApiError } from '../errors.ts';
import { keyOf } from './affinity.ts';
import { type Candidate, candidateOf, candidatesOf, type Routed } from './candidates.ts';
import { isOfServer } from './failure.ts';
import { type Begin, type CallOf, type RoutedWork, routedCall } from './routed-call.ts';
import type { ModelAddress, OpenServer } from './server.ts';

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

/**
 * Prepares the calls of one turn for the servers of its model. A call is prepared anew, from what it was before, for each server that it is
 * tried at. Once a call was answered, the later ones are made by servers of that model alone.
 */
export function openCalls(routed: Routed, calls: Calls): Prepare {
  const { entry, model } = routed;
  const watched = new Map<OpenServer, Prepare>();
  let candidates = calls.isResumed ? [candidateOf(entry, model, false)] : undefined;
  const prepareAt = (call: ModelCall, server: OpenServer, candidate: Candidate): PreparedCall => {
    const prepare = watched.get(server) ?? calls.watch(server);
    watched.set(server, prepare);
    return prepare({ ...call, model: candidate.model });
  };
  return (call) => {
    candidates ??= candidatesOf(routed);
    const all = candidates;
    const affinity = calls.affinity() ?? keyOf(call);
    const first = firstCarried(all, affinity, (server, candidate) => prepareAt(call, server, candidate));
    const of: CallOf = {
      affinity,
      claimant: calls.claimant,
      requestId: calls.requestId,
      model,
      first: first.server,
      asked: ({ address }, one, passedOver) => calls.asked?.(askedServer(address, one, passedOver)),
      heard(candidate) {
        candidates = [candidate];
      },
    };
    return {
      ...(first.prepared.countTokens && {
        countTokens: (signal, personality) =>
          countAt(
            first,
            (server) => prepareAt(call, server, first.candidate),
            (prepared) => prepared.countTokens?.(signal, personality),
          ),
      }),
      stream(signal, options) {
        const at = (server: OpenServer, candidate: Candidate) => prepareAt(call, server, candidate);
        const work = workAt<PreparedCall, BackendEvent>(first, at, (prepared, own, answered) =>
          prepared.stream(own, { ...options, answered }),
        );
        return routedCall(work, all, of, signal, options?.answered);
      },
    };
  };
}

/** A server as it is told that it is asked. */
export function askedServer(address: ModelAddress, { model, isFallback }: Candidate, passedOver: number): AskedServer {
  return { address, fallback: isFallback ? model : null, passedOver };
}

/** What is prepared at a server. */
interface Carried<P> {
  server: OpenServer;
  candidate: Candidate;
  prepared: P;
}

/** What servers do with something that is prepared for each: at the one where it is already, and anew at any other. */
export function workAt<P, E extends { type: string }>(
  first: Carried<P>,
  prepareAt: (server: OpenServer, candidate: Candidate) => P,
  begin: (prepared: P, ...args: Parameters<Begin<E>>) => AsyncIterable<E | KeepAlive>,
): RoutedWork<E | KeepAlive> {
  return {
    isWord: ({ type }) => type !== 'keep_alive',
    alive: { type: 'keep_alive' },
    at(server, candidate) {
      const isThere = first.server === server && first.candidate === candidate;
      const prepared = isThere ? first.prepared : prepareAt(server, candidate);
      return (own, answered) => begin(prepared, own, answered);
    },
  };
}

/** What a server counts, else the next one; undefined where none does, and rejects with what the first has failed with. */
async function countAt<P>(
  { server, candidate, prepared }: Carried<P>,
  prepareAt: (server: OpenServer) => P,
  count: (prepared: P) => Promise<number | undefined> | undefined,
): Promise<number | undefined> {
  let failure: ApiError | undefined;
  for (const one of [server, ...candidate.group.servers.filter((other) => other !== server)]) {
    try {
      const counted = await count(one === server ? prepared : prepareAt(one));
      if (counted !== undefined) return counted;
    } catch (error) {
      failure ??= toApiError(error);
      if (!isOfServer(failure)) break;
    }
  }
  if (failure) throw failure;
  return undefined;
}

/** What is prepared at the server that is to be asked first, of those that can carry it; throws what the first of all cannot. */
export function firstCarried<P>(
  candidates: readonly Candidate[],
  affinity: string,
  prepareAt: (server: OpenServer, candidate: Candidate) => P,
): Carried<P> {
  let refusal: unknown;
  for (const candidate of candidates) {
    const { group } = candidate;
    const tried = new Set<OpenServer>();
    for (;;) {
      const server = group.choose(affinity, tried)?.server ?? group.servers.find((one) => !tried.has(one));
      if (!server) break;
      tried.add(server);
      try {
        return { server, candidate, prepared: prepareAt(server, candidate) };
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        refusal ??= error;
      }
    }
  }
  throw refusal;
}
