import './promises/all.ts';
import { openInProcess } from './doors/in-process.ts';
import { runPromises } from './promises/promise.ts';

// The other half of `in-process-1.test.ts`.
runPromises(openInProcess, 'in-process', undefined, { part: 1, of: 2 });
