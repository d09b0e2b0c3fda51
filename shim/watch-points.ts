import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';

/** Names in directories: what a path leads through can only change if one of these does. */
export type WatchPoints = Map<string, Set<string>>;

/** The most symbolic links that a path may lead through, as in the kernel. */
const MAX_LINKS = 40;

/**
 * Where to watch for another file at a path: the name of each symbolic link on the way, and of the file, in its directory. If
 * something is missing, what is missing first. Kubernetes changes a ConfigMap by exchanging a link that the path does not name.
 */
export function watchPointsOf(path: string, points: WatchPoints = new Map()): WatchPoints {
  const watch = (at: string) => {
    const names = points.get(dirname(at)) ?? new Set();
    points.set(dirname(at), names.add(at.slice(dirname(at).length).replaceAll(sep, '')));
  };
  let rest = partsOf(resolve(path));
  let at: string = sep;
  for (let links = 0; rest.length > 0; ) {
    const [name = '', ...others] = rest;
    const next = join(at, name);
    const found = statOf(next);
    if (!found?.isSymbolicLink() && found && others.length > 0) {
      at = next;
      rest = others;
      continue;
    }
    watch(next);
    if (!found?.isSymbolicLink() || ++links > MAX_LINKS) break;
    rest = [...partsOf(resolve(at, readlinkSync(next))), ...others];
    at = sep;
  }
  return points;
}

function partsOf(path: string): string[] {
  return path.split(sep).filter((part) => part !== '');
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
