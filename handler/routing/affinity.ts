import type { ModelCall } from '../backend/backend.ts';

/** The most characters of a message that make a key: sessions that differ later do well on one server. */
const MAX_KEY = 1_024;

/**
 * The order in which servers are preferred for a key, each as often as its weight: the same key prefers the same servers, whatever
 * others come or go (rendezvous hashing, https://www.rfc-editor.org/rfc/rfc2992 for its weights).
 */
export function preferred<S extends { readonly id: string; readonly weight: number }>(
  servers: readonly S[],
  key: string,
): S[] {
  return servers
    .map((server) => ({ server, score: server.weight / -Math.log(unitHash(`${server.id}\0${key}`)) }))
    .sort((a, b) => b.score - a.score)
    .map(({ server }) => server);
}

/**
 * What calls that begin alike have in common, for prefix caches: the client's `prompt_cache_key`, else the first thing that its user
 * said, which is that of the root of a chain as well.
 */
export function keyOf({ input, hints }: Pick<ModelCall, 'input' | 'hints'>): string {
  if (hints.prompt_cache_key !== null) return hints.prompt_cache_key;
  const first = input.find((item) => item.type === 'message' && item.role === 'user') ?? input[0];
  if (!first) return '';
  const said = 'content' in first ? first.content : first;
  return (typeof said === 'string' ? said : JSON.stringify(said)).slice(0, MAX_KEY);
}

/** A number between 0 and 1, both excluded, that a text always gives (FNV-1a, then the mixing steps of MurmurHash3). */
function unitHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32 + 2 ** -33;
}
