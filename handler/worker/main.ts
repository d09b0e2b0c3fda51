import { createWorker } from './create.ts';

// What `wrangler.toml` deploys: a Worker with nothing beside its configuration.

const { worker, BackgroundTurn } = createWorker();
export default worker;
export { BackgroundTurn };
