import './promises/all.ts';
import { openInProcess } from './doors/in-process.ts';
import { runPromises } from './promises/promise.ts';

// Two processes share the promises: they keep one core busy for ten seconds.
runPromises(openInProcess, 'in-process', undefined, { part: 0, of: 2 });
