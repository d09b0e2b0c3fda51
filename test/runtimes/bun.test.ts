import { findBun } from '../doors/bun.ts';
import type { PromiseId } from '../promises/promise.ts';
import { runtimeSuite } from './runtime-suite.ts';

/** Measured with a bare `fetch`: what a server writes just before it breaks the connection is lost one time in ten. */
const LOST = "Bun's fetch may lose what came just before a connection broke";

/** Their models speak and break off at once. */
const breaking = new Set<PromiseId>([
  'backend.breaks-at-once',
  'backend.breaks-midway',
  'backend.late-usage',
  'backend.overflow-streamed',
  'backend.quirks',
  'create.no-usage',
]);

runtimeSuite('bun', findBun(), (id) => breaking.has(id) && LOST);
