// antiphon/ext-proc: any fetch handler as an ext_proc processor beside Envoy.

export { type GrpcOptions, type Running, serveGrpc } from '../shim/server.ts';
export { sessionLimits } from '../shim/session-limits.ts';
