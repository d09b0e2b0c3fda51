import '../promises/all.ts';
import { quarter, runPromises } from '../promises/promise.ts';
import { openEnvoy } from '../support/doors/envoy.ts';

runPromises((hosted) => openEnvoy('original', undefined, { hosted }), 'envoy-original', undefined, quarter(1));
