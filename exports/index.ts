// antiphon: the Responses API as a fetch handler, on any runtime with web standards.

export type { EgressConnect, OutgoingBody, OutgoingReply, OutgoingRequest, Reach } from '../handler/egress/egress.ts';
export { type ConnectionPlaces, fetchConnect } from '../handler/egress/fetch-connect.ts';
export type { HookAnswer, HookContext, Hooks, PassedOnRequest } from '../handler/hooks/hooks.ts';
export {
  type AddedBackends,
  type AddedModel,
  ApiError,
  type Brotli,
  type BuiltInModel,
  brotliCodec,
  type Caller,
  type Codec,
  type Codecs,
  type Config,
  configureLog,
  createHandler,
  type Database,
  deflateCodec,
  demoModels,
  environmentModels,
  fetchTransport,
  gzipCodec,
  type Handler,
  type HandlerOptions,
  type Identify,
  type Ingress,
  type Job,
  type Level,
  type ModelConfig,
  type NodeBrotli,
  type NodeZstd,
  networkOf,
  nodeBrotliCodec,
  type OpenBackend,
  type Piece,
  parseConfig,
  Readiness,
  type Runner,
  type Socket,
  standardSocket,
  substitute,
  type Tokenizer,
  type Tool,
  type Transport,
  type UnreadyReason,
  type Upstream,
  type Work,
  zstdCodec,
} from '../handler/index.ts';
export { defineConfig, type ProgramConfig } from '../handler/program/define-config.ts';
export { defineTool, type FunctionContext, type ToolDefinition } from '../handler/program/define-tool.ts';
export type { ArgumentsOf, FunctionSchema, LibraryResult, LibrarySchema } from '../handler/program/function-schema.ts';
export type { ConfiguredFunction, FunctionAnswer } from '../handler/tools/functions/configured-function.ts';
