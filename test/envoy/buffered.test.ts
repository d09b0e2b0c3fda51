import '../promises/all.ts';
import { openEnvoy } from '../doors/envoy.ts';
import { runPromises } from '../promises/promise.ts';

runPromises(() => openEnvoy('buffered'), 'envoy-buffered');
