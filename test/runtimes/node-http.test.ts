import '../promises/all.ts';
import { openNodeHttp } from '../doors/node-http.ts';
import { runPromises } from '../promises/promise.ts';

runPromises(openNodeHttp, 'node-http');
