import type { Example } from './examples.ts';
import { nameOf, type Site, sitesOf } from './sites.ts';

/** A place of one example. */
export interface Place {
  example: Example;
  site: Site;
}

/** Every place of the examples, those that several share only once. */
export function placesOf(list: readonly Example[], seen: (kind: string) => void = () => {}): Place[] {
  const found = new Map<string, Place>();
  for (const example of list) {
    for (const site of sitesOf(example.schema, example.body, seen)) {
      // A member of the body is tried in the plain example, unless another has more to say of it.
      if (example.only && example.only !== site.path[0]) continue;
      const key =
        site.path.length === 1 ? `${example.path} ${nameOf(site.path)}` : `${example.name} ${nameOf(site.path)}`;
      if (!found.has(key)) found.set(key, { example, site });
    }
  }
  return [...found.values()];
}
