/** The longest function name that all model servers accept, OpenAI's own on Chat Completions included. */
const MAX_NAME = 64;

/**
 * The name of a function on the wire, its namespace included; a namespace of its own name is none, as OpenAI has it of a
 * deferred function. A longer one is shortened.
 */
export function wireName(name: string, namespace: string | null | undefined): string {
  return shortened(namespace && namespace !== name ? `${namespace}__${name}` : name);
}

/** A text of at most 64 characters: a longer one is cut and gets a hash, so that texts stay distinct. */
export function shortened(text: string): string {
  if (text.length <= MAX_NAME) return text;
  const mark = `_${hashOf(text)}`;
  return text.slice(0, MAX_NAME - mark.length) + mark;
}

/** FNV-1a of a text, 32 bits: the same in every process, since histories hold it. */
export function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash.toString(36);
}
