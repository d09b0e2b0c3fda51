import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** Interval for checking the size of the log, in milliseconds. */
const POLL_MS = 200;

/** Size of the log at which it is written back into the file, and at which it is also truncated, which makes writers wait. */
const [CHECKPOINT_BYTES, TRUNCATE_BYTES] = [4 * 1024 * 1024, 64 * 1024 * 1024];

/** How long a checkpoint waits for writers, in milliseconds. */
const BUSY_TIMEOUT_MS = 1_000;

const file = String(workerData); // from `keepCheckpoints`
const connection = new DatabaseSync(file);
connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; PRAGMA wal_autocheckpoint = 0`);

function logSize(): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

/** While the disk is full, the log is truncated at any size. */
let isFull = false;

const poll = setInterval(() => {
  try {
    const truncateAt = isFull ? 1 : TRUNCATE_BYTES;
    if (!isFull && logSize() >= CHECKPOINT_BYTES) connection.exec('PRAGMA wal_checkpoint(PASSIVE)');
    if (logSize() >= truncateAt) connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    // A full disk or a slow writer: the next poll tries again, and writers get the error themselves.
  }
}, POLL_MS);

parentPort?.on('message', (message: 'full' | 'room' | 'end') => {
  isFull = message === 'full';
  if (message !== 'end') return;
  clearInterval(poll);
  connection.close();
  parentPort?.close();
});
