import { CompactRequest } from '../../protocol/compact.ts';
import { AddItems, CreateConversation, UpdateConversation } from '../../protocol/conversation.ts';
import { CountRequest } from '../../protocol/count-request.ts';
import { ListQuery, StreamQuery } from '../../protocol/list.ts';
import { CreateRequest, Include } from '../../protocol/request.ts';
import type { JsonSchema } from './json-schema.ts';

/** One method of one path. */
export interface Operation {
  operationId: string;
  summary: string;
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Content };
  responses: Record<string, { description: string; content: Content }>;
}

/** What a path or a query has. */
export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  description?: string;
  schema: JsonSchema;
}

/** What a body holds, by its media type. */
export type Content = Record<string, { schema: JsonSchema }>;

const IDEMPOTENCY_KEY: Parameter = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'a create that is sent again under its key is not run again, and gets the response that the first one got',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x20-\\x7e]*$' },
};

/** Every path with its methods; `convert` says what a schema is called, or what it is. */
export function describePaths(convert: (schema: object) => JsonSchema): Record<string, Record<string, Operation>> {
  const parameters = (schema: object) => convert(schema).properties as Record<string, JsonSchema>; // of an object
  const include = { name: 'include', in: 'query' as const, schema: convert(Include) };
  const query = (schema: object) =>
    Object.entries(parameters(schema)).map(([name, schema]) => ({ name, in: 'query' as const, schema }));
  const list = [...query(ListQuery), include];
  const body = (schema: object, required = true) => ({ required, content: json(convert(schema)) });
  const stream = { 'text/event-stream': { schema: named('ResponseEvent') } };
  const one = '/v1/conversations/{id}';
  return {
    '/v1/responses': {
      post: {
        ...operation('createResponse', 'Runs one turn; with stream its events, else the response', 'Response', stream),
        parameters: [IDEMPOTENCY_KEY],
        requestBody: body(CreateRequest),
      },
    },
    '/v1/responses/compact': {
      post: {
        ...operation('compactConversation', 'A conversation as one sealed item', 'CompactedResponse'),
        requestBody: body(CompactRequest),
      },
    },
    '/v1/responses/input_tokens': {
      post: {
        ...operation('countInputTokens', 'The input tokens of a create, counted or estimated', 'InputTokens'),
        requestBody: body(CountRequest),
      },
    },
    '/v1/responses/{id}': {
      get: {
        ...operation('getResponse', 'A stored response; with stream its events', 'Response', stream),
        parameters: [...path('id'), include, ...query(StreamQuery)],
      },
      delete: { ...operation('deleteResponse', 'Deletes a response', 'Deleted'), parameters: path('id') },
    },
    '/v1/responses/{id}/cancel': {
      post: { ...operation('cancelResponse', 'Ends a response in the background', 'Response'), parameters: path('id') },
    },
    '/v1/responses/{id}/input_items': {
      get: {
        ...operation('listInputItems', 'What a response was made of', 'ItemList'),
        parameters: [...path('id'), ...list],
      },
    },
    '/v1/conversations': {
      post: {
        ...operation('createConversation', 'Begins a conversation', 'Conversation'),
        requestBody: body(CreateConversation, false),
      },
    },
    [one]: {
      get: { ...operation('getConversation', 'A conversation', 'Conversation'), parameters: path('id') },
      post: {
        ...operation('updateConversation', 'Replaces the metadata', 'Conversation'),
        parameters: path('id'),
        requestBody: body(UpdateConversation),
      },
      delete: { ...operation('deleteConversation', 'Deletes a conversation', 'Deleted'), parameters: path('id') },
    },
    [`${one}/items`]: {
      get: { ...operation('listItems', 'What was said', 'ItemList'), parameters: [...path('id'), ...list] },
      post: {
        ...operation('addItems', 'Adds items at the end', 'ItemList'),
        parameters: [...path('id'), include],
        requestBody: body(AddItems),
      },
    },
    [`${one}/items/{item}`]: {
      get: { ...operation('getItem', 'One item', 'Item'), parameters: [...path('id', 'item'), include] },
      delete: { ...operation('deleteItem', 'Takes an item out', 'Conversation'), parameters: path('id', 'item') },
    },
    '/v1/models': { get: operation('listModels', 'The models that requests may name', 'ModelList') },
    '/livez': { get: operation('getLiveness', 'Whether the process answers', 'Health') },
    '/readyz': {
      get: operation('getReadiness', 'Whether it should get new requests; 503 with the reasons why not', 'Readiness'),
    },
    '/health': { get: operation('getHealth', 'Whether the server is up', 'Health') },
    '/openapi.json': { get: operation('getDocument', 'This document') },
    '/docs': {
      get: {
        operationId: 'getDocs',
        summary: 'This document, to be read',
        responses: { 200: { description: 'a page', content: { 'text/html': { schema: { type: 'string' } } } } },
      },
    },
  };
}

function operation(operationId: string, summary: string, reply?: string, more: Content = {}): Operation {
  const content = { ...json(reply ? named(reply) : { type: 'object' }), ...more };
  return {
    operationId,
    summary,
    responses: {
      200: { description: 'as asked', content },
      default: { description: 'an error', content: json(named('Error')) },
    },
  };
}

function path(...names: string[]): Parameter[] {
  return names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function json(schema: JsonSchema): Content {
  return { 'application/json': { schema } };
}

function named(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}
