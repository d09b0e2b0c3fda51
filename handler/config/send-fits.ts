import * as v from 'valibot';
import { protocols } from '../backend/index.ts';
import type { SendConfig } from './send.ts';

/** Checks what an entry of `models` sets: nothing that its protocol cannot have set, no path inside another, and not its key. */
export function sendFits<T extends { backend: string; send?: SendConfig | undefined }>() {
  return v.rawCheck<T>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { value: input } = dataset;
    const { backend, send = {} } = input;
    const protocol = Object.entries(protocols).find(([name]) => name === backend)?.[1];
    if (!protocol) return;
    const tell = (keys: readonly string[], message: string) => {
      const step = (key: string) => ({
        type: 'object' as const,
        origin: 'value' as const,
        input: {},
        key,
        value: undefined,
      });
      const [first, ...others] = ['send', ...keys].map(step);
      if (first) addIssue({ message, path: [first, ...others] });
    };
    const paths = Object.keys(send.set ?? {});
    for (const path of paths) {
      const fixed = protocol.fixed.find((name) => isWithin(path, name) || isWithin(name, path));
      if (fixed) tell(['set', path], `must not be set: ${fixed} is the client's, or what replies are read by`);
      const outer = paths.find((other) => other !== path && isWithin(path, other));
      if (outer) tell(['set', path], `is inside ${outer}, which is set as well: leave one of them`);
    }
    const { set = {}, add = {}, remove = [] } = send.headers ?? {};
    for (const [kind, names] of Object.entries({ set: Object.keys(set), add: Object.keys(add), remove })) {
      if (names.includes(protocol.keyHeader))
        tell(['headers', kind], `has ${protocol.keyHeader}, in which the key goes: write that in key`);
    }
  });
}

/** Whether a path is another one, or leads further. */
function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}.`);
}
