/** The longest function name that all model servers accept, OpenAI's own on Chat Completions included. */
const MAX_NAME = 64;

/**
 * The name of a function on the wire, its namespace included; a namespace of its own name is none, as OpenAI has it of a
 * deferred function. A name that is cut gets a hash, so that names stay distinct.
 */
export function wireName(name: string, namespace: string | null | undefined): string {
  const whole = namespace && namespace !== name ? `${namespace}__${name}` : name;
  if (whole.length <= MAX_NAME) return whole;
  const mark = `_${hashOf(whole)}`;
  return whole.slice(0, MAX_NAME - mark.length) + mark;
}

/** FNV-1a, 32 bits: the same in every process, since histories hold the name. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return hash.toString(36);
}
