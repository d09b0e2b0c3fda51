import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Reserve } from '../../shim/reserve.ts';
import { newFolder } from '../support/folder.ts';

const MiB = 1024 * 1024;

test('processes that start together make one reserve', async () => {
  const dir = newFolder();
  const reserves = Array.from({ length: 4 }, () => new Reserve(join(dir, 'a.db')));
  await Promise.all(reserves.map((reserve) => reserve.make()));
  assert.deepEqual(await readdir(dir), ['a.db-reserve']);
});

test('where one process has given the reserve up, the disk is full for the others', async (t) => {
  const dir = newFolder();
  try {
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', dir]);
  } catch {
    return t.skip('no tmpfs can be mounted here');
  }
  t.after(async () => {
    await promisify(execFile)('umount', [dir]);
  });
  const [one, other] = [new Reserve(join(dir, 'a.db')), new Reserve(join(dir, 'a.db'))];
  const reports: boolean[] = [];
  other.onChange = (full) => reports.push(full);
  await one.make();
  await other.make();
  await writeFile(join(dir, 'large'), new Uint8Array(20 * MiB));
  assert.ok(one.giveUp());
  await other.make();
  assert.ok(other.isFull);
  await rm(join(dir, 'large'));
  await other.make();
  assert.deepEqual(reports, [true, false]);
  assert.ok(!other.isFull);
});

test('what a process that died has left of one does not keep others from making it', async () => {
  const dir = newFolder();
  const reserve = new Reserve(join(dir, 'a.db'));
  const part = join(dir, 'a.db-reserve.part');
  await writeFile(part, 'half');
  await reserve.make();
  assert.deepEqual(await readdir(dir), ['a.db-reserve.part'], 'somebody may be writing it');
  const longAgo = Date.now() / 1_000 - 120;
  await utimes(part, longAgo, longAgo);
  await reserve.make();
  await reserve.make();
  assert.deepEqual(await readdir(dir), ['a.db-reserve']);
});
