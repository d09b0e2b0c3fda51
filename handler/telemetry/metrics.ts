import { genAI, type NameSource, own, stable } from './names.ts';

/** A metric: what it is called, what it counts or measures, in which unit (UCUM), and whose name it is. */
export interface MetricName {
  name: string;
  /** An observed one is read when metrics are collected; the others are told as things happen. */
  kind: 'counter' | 'histogram' | 'upDownCounter' | 'gauge' | 'observedCounter';
  unit: string;
  says: string;
  source: NameSource;
  /** Upper bounds of a histogram's buckets. */
  buckets?: readonly number[];
  /** The attributes that it has. */
  by: readonly string[];
}

/** Those of the GenAI conventions, which end at 82 s, and three more: a turn takes minutes. */
const SECONDS = Array.from({ length: 17 }, (_, power) => 0.01 * 2 ** power);
const TOKENS = Array.from({ length: 14 }, (_, power) => 4 ** power);
/** Those of the HTTP conventions, and longer ones: a turn takes minutes. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
/** From 10 us, since a database in a file answers in less than the conventions' first bucket. */
const DB_SECONDS = [0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
/** From 1 ms: a fast model writes hundreds of tokens a second. */
const TOKEN_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5];

const CALL = [genAI.operation, genAI.provider, genAI.requestModel, stable.serverAddress];
const FAILING_CALL = [...CALL, stable.errorType];
const TURN = [genAI.operation, genAI.provider, genAI.requestModel];

/** Every metric, by the name that the code has for it. */
export const metrics = {
  requestDuration: {
    name: 'http.server.request.duration',
    kind: 'histogram',
    unit: 's',
    says: 'Requests, until their reply was handed over',
    source: 'http',
    buckets: REQUEST_SECONDS,
    by: [stable.method, stable.route, stable.status, stable.errorType],
  },
  requestsActive: {
    name: 'http.server.active_requests',
    kind: 'upDownCounter',
    unit: '{request}',
    says: 'Requests in flight, open WebSockets included',
    source: 'http',
    by: [stable.method],
  },
  turnDuration: {
    name: 'gen_ai.server.request.duration',
    kind: 'histogram',
    unit: 's',
    says: 'Turns, from the request to the last event',
    source: 'genAI',
    buckets: SECONDS,
    by: [...TURN, own.mode, stable.errorType],
  },
  timeToFirstToken: {
    name: 'gen_ai.server.time_to_first_token',
    kind: 'histogram',
    unit: 's',
    says: 'From a request to the first text, reasoning or call of its model',
    source: 'genAI',
    buckets: SECONDS,
    by: TURN,
  },
  timePerOutputToken: {
    name: 'gen_ai.server.time_per_output_token',
    kind: 'histogram',
    unit: 's',
    says: 'Time for each output token after the first, of turns that went well',
    source: 'genAI',
    buckets: TOKEN_SECONDS,
    by: TURN,
  },
  callDuration: {
    name: 'gen_ai.client.inference.duration',
    kind: 'histogram',
    unit: 's',
    says: 'Calls of models',
    source: 'genAI',
    buckets: SECONDS,
    by: FAILING_CALL,
  },
  callFirstChunk: {
    name: 'gen_ai.client.inference.time_to_first_chunk',
    kind: 'histogram',
    unit: 's',
    says: 'From a call of a model to its first event',
    source: 'genAI',
    buckets: SECONDS,
    by: CALL,
  },
  inputTokens: {
    name: 'gen_ai.client.inference.usage.input_tokens',
    kind: 'counter',
    unit: '{token}',
    says: 'Input tokens, cached ones included',
    source: 'genAI',
    by: CALL,
  },
  outputTokens: {
    name: 'gen_ai.client.inference.usage.output_tokens',
    kind: 'counter',
    unit: '{token}',
    says: 'Output tokens, those of reasoning included',
    source: 'genAI',
    by: CALL,
  },
  cacheReadTokens: {
    name: 'gen_ai.client.inference.usage.cache_read.input_tokens',
    kind: 'counter',
    unit: '{token}',
    says: "Input tokens from the model server's cache",
    source: 'genAI',
    by: CALL,
  },
  cacheWriteTokens: {
    name: 'gen_ai.client.inference.usage.cache_write.input_tokens',
    kind: 'counter',
    unit: '{token}',
    says: "Input tokens written to the model server's cache",
    source: 'genAI',
    by: CALL,
  },
  reasoningTokens: {
    name: 'gen_ai.client.inference.usage.reasoning.output_tokens',
    kind: 'counter',
    unit: '{token}',
    says: 'Output tokens of reasoning',
    source: 'genAI',
    by: CALL,
  },
  callInputTokens: {
    name: 'gen_ai.client.inference.operation.input_tokens',
    kind: 'histogram',
    unit: '{token}',
    says: 'Input tokens of one call',
    source: 'genAI',
    buckets: TOKENS,
    by: CALL,
  },
  callOutputTokens: {
    name: 'gen_ai.client.inference.operation.output_tokens',
    kind: 'histogram',
    unit: '{token}',
    says: 'Output tokens of one call',
    source: 'genAI',
    buckets: TOKENS,
    by: CALL,
  },
  toolDuration: {
    name: 'gen_ai.execute_tool.duration',
    kind: 'histogram',
    unit: 's',
    says: 'Calls of functions that run here',
    source: 'genAI',
    buckets: SECONDS,
    by: [genAI.operation, genAI.toolName, stable.errorType],
  },
  databaseDuration: {
    name: 'db.client.operation.duration',
    kind: 'histogram',
    unit: 's',
    says: 'Batches of the database',
    source: 'db',
    buckets: DB_SECONDS,
    by: [stable.dbSystem, stable.dbOperation, stable.errorType],
  },
  turnsRunning: {
    name: 'antiphon.turns.running',
    kind: 'gauge',
    unit: '{turn}',
    says: 'Turns that run here',
    source: 'own',
    by: [own.mode],
  },
  turnsQueued: {
    name: 'antiphon.turns.queued',
    kind: 'gauge',
    unit: '{turn}',
    says: 'Turns that wait here for a place',
    source: 'own',
    by: [own.mode],
  },
  takeovers: {
    name: 'antiphon.turns.taken_over',
    kind: 'counter',
    unit: '{turn}',
    says: 'Background turns that began in another process and went on here',
    source: 'own',
    by: [],
  },
  limited: {
    name: 'antiphon.limits.refused',
    kind: 'counter',
    unit: '{request}',
    says: 'Requests that a limit has refused, by whose it is and what it limits, such as tenant.requests',
    source: 'own',
    by: [own.limit],
  },
  webhooksWaiting: {
    name: 'antiphon.webhooks.waiting',
    kind: 'gauge',
    unit: '{delivery}',
    says: 'Webhook deliveries that have not succeeded, of all processes; at most 10,000 are counted',
    source: 'own',
    by: [],
  },
  webhookDuration: {
    name: 'antiphon.webhooks.duration',
    kind: 'histogram',
    unit: 's',
    says: 'Attempts to deliver a webhook',
    source: 'own',
    buckets: SECONDS,
    by: [own.outcome],
  },
  memoryReserved: {
    name: 'antiphon.memory.reserved',
    kind: 'gauge',
    unit: 'By',
    says: 'Bytes reserved of limits.inFlight',
    source: 'own',
    by: [],
  },
  memoryLimit: {
    name: 'antiphon.memory.limit',
    kind: 'gauge',
    unit: 'By',
    says: 'limits.inFlight',
    source: 'own',
    by: [],
  },
  databaseSize: {
    name: 'antiphon.database.size',
    kind: 'gauge',
    unit: 'By',
    says: 'Size of the database without what is free in it, where it knows',
    source: 'own',
    by: [],
  },
  ready: {
    name: 'antiphon.ready',
    kind: 'gauge',
    unit: '1',
    says: '1 if the process is ready for new requests, else 0',
    source: 'own',
    by: [],
  },
  droppedLines: {
    name: 'antiphon.log.dropped',
    kind: 'observedCounter',
    unit: '{line}',
    says: 'Lines of the log that could not be written',
    source: 'own',
    by: [],
  },
  auditLost: {
    name: 'antiphon.audit.lost',
    kind: 'observedCounter',
    unit: '{event}',
    says: 'Events that the audit log lacks: refusals beyond its rate, and what could not be written',
    source: 'own',
    by: [],
  },
  reloads: {
    name: 'antiphon.config.reloads',
    kind: 'observedCounter',
    unit: '{reload}',
    says: 'Changes of the configuration that were taken, or refused',
    source: 'own',
    by: [own.outcome],
  },
  configAccepted: {
    name: 'antiphon.config.accepted',
    kind: 'gauge',
    unit: '1',
    says: '1 if the newest configuration is in force, 0 if it was refused and an older one goes on',
    source: 'own',
    by: [],
  },
} as const satisfies Record<string, MetricName>;

/** A metric, by its key in the table. */
export type MetricKey = keyof typeof metrics;
