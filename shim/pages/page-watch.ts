// The thread in a process that reduces pages that ends it: a page may hold up its other one for ever.

/** Memory of the process in bytes: the libraries take a hundred megabytes, large pages as much again. */
const MAX_MEMORY = 384 * 1024 * 1024;

/** Time from one look to the next, in milliseconds. */
const LOOK_MS = 20;

const parent = process.ppid;
setInterval(() => {
  // Files unpack themselves into memory that no limit of the heap counts.
  const isLarge = process.memoryUsage.rss() > MAX_MEMORY;
  if (isLarge || process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, LOOK_MS);
