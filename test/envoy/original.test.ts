import '../promises/all.ts';
import { quarter, runPromises } from '../promises/promise.ts';
import { openEnvoy } from '../support/doors/envoy.ts';

runPromises(() => openEnvoy('original'), 'envoy-original', undefined, quarter(1));
