// antiphon/hyperdrive: PostgreSQL on Workers. An entry of its own, since its driver is not for all.

export { hyperdrive } from '../handler/worker/hyperdrive.ts';
export type { WorkerDatabase } from '../handler/worker/worker-database.ts';
