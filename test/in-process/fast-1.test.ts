import { runInProcess } from '../support/in-process.ts';

// Two processes share the promises: they keep one core busy for ten seconds.
runInProcess({ part: 0, of: 2 });
