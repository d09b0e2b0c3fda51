// The names that traces and metrics have, in one table: the GenAI ones are in development, and were renamed more than once.
// A newer name replaces its older one here or in metrics.ts, and nowhere else; docs/telemetry.md is made of both.

/** Where names come from. */
export const sources = {
  genAI: 'https://github.com/open-telemetry/semantic-conventions-genai/tree/main/docs/gen-ai',
  http: 'https://opentelemetry.io/docs/specs/semconv/http/',
  db: 'https://opentelemetry.io/docs/specs/semconv/db/',
  general: 'https://opentelemetry.io/docs/specs/semconv/general/attributes/',
  own: 'docs/telemetry.md',
} as const;

/** Where a name comes from. */
export type NameSource = keyof typeof sources;

/** Names of attributes that GenAI's conventions have, since their move out of the main repository. */
export const genAI = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  stream: 'gen_ai.request.stream',
  previousResponse: 'gen_ai.request.previous_response.id',
  reasoningLevel: 'gen_ai.request.reasoning.level',
  maxTokens: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  topP: 'gen_ai.request.top_p',
  outputType: 'gen_ai.output.type',
  conversation: 'gen_ai.conversation.id',
  responseId: 'gen_ai.response.id',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  timeToFirstChunk: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheRead: 'gen_ai.usage.cache_read.input_tokens',
  cacheWrite: 'gen_ai.usage.cache_write.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  toolName: 'gen_ai.tool.name',
  toolType: 'gen_ai.tool.type',
  toolCall: 'gen_ai.tool.call.id',
  toolArguments: 'gen_ai.tool.call.arguments',
  toolResult: 'gen_ai.tool.call.result',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
  instructions: 'gen_ai.system_instructions',
  toolDefinitions: 'gen_ai.tool.definitions',
} as const;

/** Names of attributes that are stable: of HTTP, databases, servers and errors. */
export const stable = {
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  method: 'http.request.method',
  status: 'http.response.status_code',
  route: 'http.route',
  path: 'url.path',
  dbSystem: 'db.system.name',
  dbOperation: 'db.operation.name',
  dbBatchSize: 'db.operation.batch.size',
} as const;

/** Names of attributes of our own, for what no convention has. The configuration's `attributes` have those that it gives them. */
export const own = {
  requestId: 'antiphon.request.id',
  connectionId: 'antiphon.connection.id',
  ingress: 'antiphon.ingress',
  tenant: 'antiphon.tenant',
  user: 'antiphon.user',
  finish: 'antiphon.turn.finish',
  rounds: 'antiphon.turn.rounds',
  tools: 'antiphon.turn.tools',
  inputTokens: 'antiphon.turn.input_tokens',
  outputTokens: 'antiphon.turn.output_tokens',
  firstToken: 'antiphon.turn.time_to_first_token',
  takenOver: 'antiphon.turn.taken_over',
  mode: 'antiphon.turn.mode',
  statements: 'antiphon.database.statements',
  webhook: 'antiphon.webhook',
  event: 'antiphon.webhook.event',
  tries: 'antiphon.webhook.tries',
  outcome: 'antiphon.outcome',
  limit: 'antiphon.limit',
} as const;
