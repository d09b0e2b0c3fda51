/** The longest name that is looked into. */
const MAX_WRITTEN = 512;

/** The longest name that a call is given out under if no tool has it: as long as any client may send back. */
const MAX_NAME = 64;

/** Names that clients may send, as they restrict those of tools. */
const USABLE = /^[\w-]+$/;

/** The tools by the names that they have on the server; each may have had another, longer one. */
type Tools = Pick<ReadonlyMap<string, { name: string }>, 'has' | 'entries'>;

/** What names a call. */
interface Named {
  name: string | null;
  namespace?: string | undefined;
}

/** A call, or a piece of one, by the name that the tools know it by; names that none has are those that clients may send back. */
export function withKnownName<N extends Named>(call: N, tools: Tools): N {
  if (!call.name || tools.has(call.name)) return call;
  return {
    ...call,
    name: calledName(call.name, tools),
    ...(call.namespace && { namespace: usableName(call.namespace) }),
  };
}

/**
 * The name of a call as the tools know it, from what the model wrote: servers leave control markers of gpt-oss in it, as in
 * `commentary to=functions.f<|constrain|>json` (lablup/mlxcel#654), or Kimi's `functions.f:0` (vllm-project/vllm#46344). A
 * name that no tool has is one that clients may send back.
 */
export function calledName(written: string, tools: Tools): string {
  const parts = written
    .slice(0, MAX_WRITTEN)
    .split(/<\|[^|]*\|>|\s/)
    .map((part) => part.replace(/^(to=)?(functions\.)?/, '').replace(/:\d+$/, ''))
    .filter((part) => part !== '');
  // The model may write a namespace as it would in code.
  const candidates = parts.flatMap((part) => [part, part.replace('.', '__')]);
  const known = candidates.find((name) => tools.has(name));
  if (known !== undefined) return known;
  // By the name that the client gave it, where the server has a shorter one.
  for (const [name, tool] of tools.entries()) if (candidates.includes(tool.name)) return name;
  return usableName(parts[0] ?? written);
}

/** A name that clients may send back: what they may not is `_`, and the rest is cut. */
export function usableName(name: string): string {
  return USABLE.test(name) && name.length <= MAX_NAME ? name : name.slice(0, MAX_NAME).replace(/[^\w-]/g, '_');
}
