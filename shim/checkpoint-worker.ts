import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** How often the log is looked at, in milliseconds. */
const POLL_MS = 200;

/** A log of so many bytes is written back into the file; one of so many is also begun anew, for which writers wait. */
const [CHECKPOINT_BYTES, TRUNCATE_BYTES] = [4 * 1024 * 1024, 64 * 1024 * 1024];

/** How long writers are waited for, in milliseconds. */
const BUSY_TIMEOUT_MS = 1_000;

const file = String(workerData); // what `keepCheckpoints` gave
const connection = new DatabaseSync(file);
connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA wal_autocheckpoint = 0`);

function logSize(): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** While the disk is full the log takes as little of it as it can. */
let isFull = false;

const poll = setInterval(() => {
  try {
    const truncateAt = isFull ? 1 : TRUNCATE_BYTES;
    if (!isFull && logSize() >= CHECKPOINT_BYTES) connection.exec('PRAGMA wal_checkpoint(PASSIVE)');
    if (logSize() >= truncateAt) connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // A full disk, or a writer that takes long: it is tried again, and whoever writes hears of a full disk.
  }
}, POLL_MS);

parentPort?.on('message', (message: 'full' | 'room' | 'end') => {
  isFull = message === 'full';
  if (message !== 'end') return;
  clearInterval(poll);
  connection.close();
  parentPort?.close();
});
