// antiphon/backend: the port of protocols in which models are called, and what an implementation of it needs.

export type {
  Backend,
  BackendEvent,
  Finish,
  ForwardedApi,
  ForwardedEvent,
  ForwardedPart,
  ForwardedRequest,
  ForwardOptions,
  KeepAlive,
  ModelCall,
  PreparedCall,
  PreparedForward,
  ServerProfile,
} from '../handler/backend/backend.ts';
export { backendContract } from '../handler/backend/contract/index.ts';
export {
  anyServer,
  type BackendSubject,
  functionTool,
  modelCall,
  userMessage,
} from '../handler/backend/contract/subject.ts';
export { connectionFailed, failureOf, garbled } from '../handler/backend/server/failure.ts';
export { type BackendSeal, backendSeal, isSealedHere } from '../handler/backend/server/seal.ts';
export type { ContractCase } from '../handler/contract.ts';
export { ApiError, type ErrorKind, unsupported } from '../handler/errors.ts';
export { ItemWriter } from '../handler/events/item-writer.ts';
export type { Item } from '../handler/items/item.ts';
export type { AddedBackends, OpenBackend } from '../handler/open-models.ts';
export { headerWithValues, type RequestValues, withValues } from '../handler/request-values.ts';
export type { ServerConnection, Transport, TransportInit, Upstream } from '../handler/transport.ts';
