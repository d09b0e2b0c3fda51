import { protocols, serverAt } from '../backend/index.ts';
import type { SendConfig } from './send.ts';

/** A server, as far as rules have to fit it. */
interface Ruled {
  backend: string;
  url?: string | undefined;
  server?: string | undefined;
  send?: SendConfig | undefined;
}

/** The mistakes of what is set for a server: what its protocol cannot have set, a path inside another, and its key; each with its path below `send`. */
export function* sendMistakes({ backend, url, server, send = {} }: Ruled): Generator<[path: string[], says: string]> {
  const protocol = Object.entries(protocols).find(([name]) => name === backend)?.[1];
  if (!protocol) return;
  const paths = Object.keys(send.set ?? {});
  for (const path of paths) {
    const fixed = protocol.fixed.find((name) => isWithin(path, name) || isWithin(name, path));
    if (fixed) yield [['set', path], `must not be set: ${fixed} is the client's, or what replies are read by`];
    const outer = paths.find((other) => other !== path && isWithin(path, other));
    if (outer) yield [['set', path], `is inside ${outer}, which is set as well: leave one of them`];
  }
  const { set = {}, add = {}, remove = [] } = send.headers ?? {};
  for (const [kind, names] of Object.entries({ set: Object.keys(set), add: Object.keys(add), remove })) {
    const own = names.find((name) => name === protocol.keyHeader || (name === 'api-key' && isAzures(url, server)));
    if (own) yield [['headers', kind], `has ${own}, in which the key goes: write that in key`];
  }
}

function isAzures(url = '', server?: string): boolean {
  return (server ?? (URL.canParse(url) ? serverAt(url) : undefined)) === 'azure';
}

/** Whether a path is another one, or leads further. */
function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}.`);
}
