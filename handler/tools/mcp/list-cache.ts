import { toBase64 } from '../../base64.ts';
import { canonicalJson } from '../../canonical-json.ts';
import { fixedLimits } from '../../limits.ts';
import type { KnownEra, ServerTool } from './session.ts';

/** What a server has said of itself. */
export interface ListedServer {
  tools: readonly ServerTool[];
  era: KnownEra;
}

interface Entry extends ListedServer {
  size: number;
  until: number;
}

/** Lists of tools, for some minutes: bounded by their size, those used longest ago go first. */
export class ListCache {
  readonly #entries = new Map<string, Entry>();
  #size = 0;

  /** A list that is not older than it may be. */
  find(key: string): ListedServer | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.until < performance.now() ? undefined : entry;
  }

  /** How the server was spoken to last, however old its list is. */
  era(key: string): KnownEra | undefined {
    return this.#entries.get(key)?.era;
  }

  /** Keeps a list. */
  keep(key: string, listed: ListedServer): void {
    this.forget(key);
    const size = JSON.stringify(listed).length;
    if (size > fixedLimits.mcpLists) return;
    this.#entries.set(key, { ...listed, size, until: performance.now() + fixedLimits.mcpListKept });
    this.#size += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= fixedLimits.mcpLists) return;
      this.forget(oldest);
    }
  }

  /** Forgets a list that has turned out to be old. */
  forget(key: string): void {
    this.#size -= this.#entries.get(key)?.size ?? 0;
    this.#entries.delete(key);
  }
}

const encoder = new TextEncoder();

/** A hash of values, as base64: equal for equal ones, whatever the order of their members. */
export async function hashOf(...values: unknown[]): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(canonicalJson(values)));
  return toBase64(new Uint8Array(digest));
}
