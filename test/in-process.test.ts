import './promises/all.ts';
import { openInProcess } from './doors/in-process.ts';
import { runPromises } from './promises/promise.ts';

runPromises(openInProcess, 'in-process');
