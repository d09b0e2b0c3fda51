// antiphon/ext-proc: any fetch handler as an ext_proc processor beside Envoy.

export type { Running } from '../shim/running.ts';
export { type GrpcOptions, serveGrpc } from '../shim/server.ts';
export { sessionLimits } from '../shim/session-limits.ts';
