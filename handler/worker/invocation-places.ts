import { AsyncLocalStorage } from 'node:async_hooks';
import { type ConnectionPlaces, placesFor } from '../egress/fetch-connect.ts';
import type { Within } from './background-turn.ts';

/** Connections that the platform lets one request have at a time; more would wait where nobody sees it. */
const CONNECTIONS = 6;

const invocation = new AsyncLocalStorage<ConnectionPlaces>();

/** The places for requests of tools of the request or alarm that runs; undefined outside of one. */
export function invocationPlaces(): ConnectionPlaces | undefined {
  return invocation.getStore();
}

/** Runs what one request or alarm does with places of its own. */
export const withPlaces: Within = (run) => invocation.run(placesFor(CONNECTIONS), run);
