import '../promises/all.ts';
import { runPromises } from '../promises/promise.ts';
import { openNodeHttp } from '../support/doors/node-http.ts';

runPromises((hosted) => openNodeHttp({ hosted }), 'node-http');
