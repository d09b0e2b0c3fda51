import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename } from 'node:path';
import { type WatchPoints, watchPointsOf } from './watch-points.ts';

/** Watches files for what they hold to become another, however that is done. */
export interface FileWatch {
  /** Watches these files from now on, those that are not there yet included; throws an Error where the system will not. */
  set(files: Iterable<string>): void;
  /** The watches that are open. */
  readonly size: number;
  close(): void;
}

/** The quiet after which a change counts as complete, in milliseconds: a swap of links is some 30 events. */
const QUIET_MS = 100;

interface DirectoryWatch {
  watcher: FSWatcher;
  /** Which one it is: a directory that was replaced is another. Undefined once it is gone, since numbers are used again. */
  inode: bigint | undefined;
}

/**
 * Calls `changed` some quiet time after anything happened that may have changed a file. A directory tells of renames and links,
 * and the file itself of writes where it is mounted alone.
 */
export function watchFiles(changed: () => void, failed: (error: unknown) => void): FileWatch {
  const watched = new Map<string, DirectoryWatch>();
  let files: readonly string[] = [];
  let points: WatchPoints = new Map();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const trigger = () => {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      try {
        arm(); // first, so that what changes while the files are read is heard of
      } catch (error) {
        failed(error);
      }
      changed();
    }, QUIET_MS).unref();
  };
  const open = (path: string, isOurs: (name: string | null) => boolean) => {
    const inode = statSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
    const before = watched.get(path);
    if (before && before.inode === inode) return;
    before?.watcher.close();
    watched.delete(path);
    if (inode === undefined) return;
    const watcher = watch(path, { persistent: false }, (event, name) => {
      if (event === 'rename' && name === basename(path))
        entry.inode = undefined; // it says so of itself
      else if (!isOurs(name)) return;
      trigger();
    });
    const entry: DirectoryWatch = { watcher, inode };
    watcher.on('error', trigger); // it is opened again, or fails then
    watched.set(path, entry);
  };
  const arm = () => {
    points = files.reduce((all, file) => watchPointsOf(file, all), new Map());
    const paths = new Set([...points.keys(), ...files]);
    for (const [path, { watcher }] of watched) {
      if (paths.has(path)) continue;
      watcher.close();
      watched.delete(path);
    }
    for (const directory of points.keys()) {
      open(directory, (name) => name === null || !!points.get(directory)?.has(name));
    }
    for (const file of files) open(file, () => true);
  };

  return {
    set(paths) {
      files = [...new Set(paths)];
      arm();
    },
    get size() {
      return watched.size;
    },
    close() {
      closed = true;
      clearTimeout(timer);
      for (const { watcher } of watched.values()) watcher.close();
      watched.clear();
    },
  };
}
