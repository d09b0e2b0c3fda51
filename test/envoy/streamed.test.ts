import '../promises/all.ts';
import { runPromises } from '../promises/promise.ts';
import { openEnvoy } from '../support/doors/envoy.ts';

runPromises((hosted) => openEnvoy('streamed', undefined, { hosted }), 'envoy-streamed');
