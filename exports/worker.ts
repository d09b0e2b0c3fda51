// antiphon/worker: the root on Cloudflare Workers, with D1 and Durable Objects.

export type { ObjectClass, ObjectState } from '../handler/worker/background-turn.ts';
export type { Bindings, ObjectNamespace } from '../handler/worker/bindings.ts';
export { type Context, createWorker, type Worker, type WorkerOptions } from '../handler/worker/create.ts';
export type { WorkerDatabase } from '../handler/worker/worker-database.ts';
