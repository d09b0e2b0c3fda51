import type { Forward, ForwardedEvent, ForwardedRequest, PreparedForward } from '../backend/backend.ts';
import { type Candidate, candidatesOf, type Routed } from './candidates.ts';
import { askedServer, type Calls, firstCarried, workAt } from './open-calls.ts';
import { type CallOf, routedCall } from './routed-call.ts';
import type { OpenServer } from './server.ts';

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
  const candidates = candidatesOf(routed);
  const affinity = calls.affinity() ?? '';
  const prepareAt = (server: OpenServer, candidate: Candidate) =>
    calls.watch(server)({ ...request, model: candidate.model });
  const first = firstCarried(candidates, affinity, prepareAt);
  return {
    stream(signal, options) {
      const work = workAt<PreparedForward, ForwardedEvent>(first, prepareAt, (prepared, own, answered) =>
        prepared.stream(own, { ...options, answered }),
      );
      const of: CallOf = {
        ...{ affinity, model, first: first.server, claimant: calls.claimant, requestId: calls.requestId },
        asked: ({ address }, one, passedOver) => calls.asked?.(askedServer(address, one, passedOver)),
        heard() {},
      };
      const isLong = !('json' in request.body) || request.body.json.stream !== true;
      return routedCall({ ...work, isLong }, candidates, of, signal, options.answered);
    },
  };
}
