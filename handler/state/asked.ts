import { isObject } from '../protocol/json.ts';

/**
 * What a background turn needs of the request that asked for it, which ended long before; its webhooks keep it too. Stored as
 * JSON: its names stay, whoever does not know a member ignores it, and what must not be ignored gets another version.
 */
export interface Asked {
  version: 1;
  /** The id of the request. */
  request_id: string;
}

/** Reads what is stored; undefined where an older program has stored nothing, or a newer one what this one cannot read. */
export function readAsked(stored: string): Asked | undefined {
  try {
    const asked: unknown = JSON.parse(stored);
    if (!isObject(asked) || asked.version !== 1 || typeof asked.request_id !== 'string') return undefined;
    return { version: 1, request_id: asked.request_id };
  } catch {
    return undefined;
  }
}
