import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cacheFolder } from '../envoy/cache-folder.ts';

test("the cache lies below the user's folders, and never below the working directory", (t) => {
  const { HOME, XDG_CACHE_HOME } = process.env;
  t.after(() => Object.assign(process.env, { ...(HOME && { HOME }), ...(XDG_CACHE_HOME && { XDG_CACHE_HOME }) }));
  const own = join(userInfo().homedir, '.cache');
  const folders: [home: string, cache: string, folder: string][] = [
    ['/home/a', '/cache', '/cache'],
    ['/home/a', '', '/home/a/.cache'],
    ['/home/a', 'relative', '/home/a/.cache'],
    ['', '', own],
    ['relative', '', own],
  ];
  for (const [home, cache, folder] of folders) {
    Object.assign(process.env, { HOME: home, XDG_CACHE_HOME: cache });
    assert.equal(cacheFolder(), join(folder, 'antiphon'));
  }
});
