import '../promises/all.ts';
import { quarter, runPromises } from '../promises/promise.ts';
import { openEnvoy } from '../support/doors/envoy.ts';

runPromises((hosted) => openEnvoy('buffered', undefined, { hosted }), 'envoy-buffered', undefined, quarter(0));
