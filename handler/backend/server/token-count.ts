import { ApiError } from '../../errors.ts';
import { describe, log } from '../../log.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { object } from './json-fields.ts';
import { readJson, type Send, succeeded } from './server.ts';

/** The time until an unknown endpoint is tried again, in milliseconds: the server may have been upgraded. */
const RETRY_MS = 3_600_000;

/** Statuses of an endpoint that does not exist. */
const ABSENT_STATUSES = new Set([404, 405, 501]);

/** One way to count tokens. Rejects if it fails; undefined if the server does not have it. */
export type CountMethod = () => Promise<number | undefined>;

/** Counts tokens on a server, and remembers which methods it lacks. */
export class ServerTokenCounter {
  readonly #unknown = new Map<string, number>();

  /**
   * The count of the first of these ways that the server knows; undefined where it knows none, or where that one fails.
   * Throws an ApiError for an unknown model and for refused credentials.
   */
  async first(methods: Readonly<Record<string, CountMethod>>): Promise<number | undefined> {
    for (const [name, method] of Object.entries(methods)) {
      if ((this.#unknown.get(name) ?? 0) > Date.now()) continue;
      try {
        const count = await method();
        if (count !== undefined) return count;
      } catch (error) {
        const status = statusOf(error);
        if (status === 401 || (error instanceof ApiError && error.kind === 'model_not_found')) throw error;
        if (!ABSENT_STATUSES.has(status)) {
          log.warn('the model backend did not count', { way: name, error: describe(error) });
          return undefined;
        }
      }
      this.#unknown.set(name, Date.now() + RETRY_MS);
    }
    return undefined;
  }
}

/** The object that a server answers to a body; rejects with an ApiError when it answers anything but 200. */
export async function ask(send: Send, path: string, body: object, signal: AbortSignal): Promise<JsonObject> {
  return readJson(await succeeded(send('POST', path, signal, JSON.stringify(body))));
}

/** A member that should be a number of tokens; undefined where it is none. */
export function tokens(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined;
}

/** Those members of a request that a count takes. */
export function only(request: object, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(request).filter(([name]) => names.includes(name)));
}

function statusOf(error: unknown): number {
  return error instanceof ApiError ? Number(object(error.cause).status) : 0;
}
