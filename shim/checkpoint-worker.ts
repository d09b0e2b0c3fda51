import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** How often the log is looked at, in milliseconds. */
const LOOK = 200;

/** A log of so many bytes is written back into the file; one of so many is also begun anew, for which writers wait. */
const [SOME, MOST] = [4 * 1024 * 1024, 64 * 1024 * 1024];

/** How long writers are waited for, in milliseconds. */
const PATIENCE = 1_000;

const file = String(workerData); // what `keepCheckpoints` gave
const connection = new DatabaseSync(file);
connection.exec(`PRAGMA busy_timeout = ${PATIENCE}; PRAGMA wal_autocheckpoint = 0`);

function sizeOfLog(): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** While the disk is full the log takes as little of it as it can. */
let isFull = false;

const looks = setInterval(() => {
  try {
    const most = isFull ? 1 : MOST;
    if (!isFull && sizeOfLog() >= SOME) connection.exec('PRAGMA wal_checkpoint(PASSIVE)');
    if (sizeOfLog() >= most) connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // A full disk, or a writer that takes long: it is tried again, and whoever writes hears of a full disk.
  }
}, LOOK);

parentPort?.on('message', (told: 'full' | 'room' | 'end') => {
  isFull = told === 'full';
  if (told !== 'end') return;
  clearInterval(looks);
  connection.close();
  parentPort?.close();
});
