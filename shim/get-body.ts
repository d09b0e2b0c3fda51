/** The largest body of a GET that is looked at, in bytes. */
export const MAX_GET_BODY = 1024;

/**
 * The target of a GET with this body: openai-go resumes a stream with `{"stream": true}` in the body, where others have it in the
 * query, and a fetch Request cannot carry the body of a GET. Any other body changes nothing.
 */
export function withBodyInQuery(target: string, body: Uint8Array): string {
  if (body.length > MAX_GET_BODY || !/^\s*\{\s*"stream"\s*:\s*true\s*\}\s*$/.test(new TextDecoder().decode(body)))
    return target;
  const at = target.indexOf('?');
  if (at < 0) return `${target}?stream=true`;
  return new URLSearchParams(target.slice(at)).has('stream') ? target : `${target}&stream=true`;
}
