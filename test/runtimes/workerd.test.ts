import '../promises/all.ts';
import { runPromises } from '../promises/promise.ts';
import { openWorkerd } from '../support/doors/workerd.ts';

runPromises((hosted) => openWorkerd([], hosted), 'workerd');
