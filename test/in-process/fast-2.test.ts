import { runInProcess } from '../support/in-process.ts';

// The other half of `fast-1.test.ts`.
runInProcess({ part: 1, of: 2 });
