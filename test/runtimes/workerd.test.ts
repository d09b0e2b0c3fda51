import '../promises/all.ts';
import { openWorkerd } from '../doors/workerd.ts';
import { runPromises } from '../promises/promise.ts';

runPromises(openWorkerd, 'workerd');
