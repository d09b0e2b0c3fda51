import type { Forward, ForwardedEvent, ForwardedRequest, PreparedForward } from '../backend/backend.ts';
import { type Calls, candidatesOf, firstCarried, fits, type Routed } from './open-calls.ts';
import { type RoutedWork, routedCall } from './routed-call.ts';
import type { OpenServer } from './server.ts';
import type { ServerGroup } from './server-group.ts';

/** A server as what it is passed is watched. */
export type ForwardingServer = Pick<OpenServer, 'forward' | 'address' | 'match' | 'server'>;

/** For whom a request is passed on, and who is told how that goes. */
export interface ForwardCalls extends Omit<Calls, 'watch' | 'isResumed'> {
  /** A server with what it is passed watched. */
  watch(server: ForwardingServer): Forward;
}

/** Prepares a request for the servers of its model, and those that may answer in its place: anew for each that it is tried at. */
export function openForward(routed: Routed, calls: ForwardCalls, request: ForwardedRequest): PreparedForward {
  const { model } = routed;
  const { entries, names } = candidatesOf(routed);
  const affinity = calls.affinity() ?? '';
  const prepareAt = (server: OpenServer, group: ServerGroup) =>
    calls.watch(server)({ ...request, model: names.get(group) ?? model });
  const first = firstCarried(entries, affinity, prepareAt);
  return {
    stream(signal, options) {
      const work: RoutedWork<ForwardedEvent> = {
        isWord: ({ type }) => type !== 'keep_alive',
        alive: { type: 'keep_alive' },
        at(server, group) {
          const prepared = server === first.server ? first.prepared : prepareAt(server, group);
          return (own, answered) => prepared.stream(own, { ...options, answered });
        },
      };
      const candidates = {
        groups: entries.map(({ group }) => group),
        fits: (group: ServerGroup, than: ServerGroup) => fits(entries, group, than),
      };
      const of = {
        ...{ affinity, model, first: first.server, claimant: calls.claimant, requestId: calls.requestId },
        asked({ address }: OpenServer, group: ServerGroup, passedOver: number) {
          calls.asked?.({ address, fallback: names.get(group) ?? null, passedOver });
        },
        heard() {},
      };
      return routedCall(work, candidates, of, signal, options.answered);
    },
  };
}
