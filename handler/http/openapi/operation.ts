import type { Route, RouteRequest } from '../route.ts';
import type { JsonSchema } from './json-schema.ts';

/** An OpenAPI operation: one method of one path. */
export interface Operation {
  operationId: string;
  summary: string;
  description?: string;
  tags?: string[];
  responses: Record<string, { description: string; content: Content }>;
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Content };
  security?: SecurityRequirement[];
}

/** The credential that is asked for, by its name in the document; a list of none asks for none. */
export type SecurityRequirement = Record<string, []>;

/** A parameter in a path, a query or a header. */
export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  description?: string;
  example?: unknown;
  style?: 'deepObject';
  schema: JsonSchema;
}

/** The content of a body, by media type. */
export type Content = Record<string, MediaType>;

/** A schema, with examples of what it describes. */
export interface MediaType {
  schema: JsonSchema;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

type Convert = (schema: object) => JsonSchema;

/** A route as an operation; `convert` gives a schema or a reference to it. */
export function describeOperation(
  { operationId, summary, path, scope, request = {}, reply, error }: Route,
  convert: Convert,
  needsCredential: boolean,
): Operation {
  const parameters = [...pathParameters(path), ...headerParameters(request), ...queryParameters(request, convert)];
  const { body, form, optional = false } = request;
  return {
    operationId,
    summary,
    responses: describeReply(reply, error),
    ...(parameters.length > 0 && { parameters }),
    ...(needsCredential && scope === 'anybody' && { security: [] }),
    ...(form && { requestBody: { required: true, content: { 'multipart/form-data': { schema: { ...form } } } } }),
    ...(body && { requestBody: { required: !optional, content: json(convert(body)) } }),
  };
}

/** The responses of an operation. A page has no error response of its own. */
function describeReply(reply: Route['reply'], error = 'Error'): Operation['responses'] {
  const content = Object.fromEntries(
    Object.entries(reply).map(([type, schema]) => [
      type,
      { schema: typeof schema === 'string' ? schemaRef(schema) : { ...schema } },
    ]),
  );
  if ('text/html' in reply) return { 200: { description: 'a page', content } };
  return {
    200: { description: 'as asked', content },
    default: { description: 'an error', content: json(schemaRef(error)) },
  };
}

function pathParameters(path: string): Parameter[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name = '']) => {
    return { name, in: 'path', required: true, schema: { type: 'string' } };
  });
}

function headerParameters({ headers = {} }: RouteRequest): Parameter[] {
  return Object.entries(headers).map(([name, { description, schema, required }]) => {
    return { name, in: 'header', description, schema: { ...schema }, ...(required && { required }) };
  });
}

function queryParameters({ query }: RouteRequest, convert: Convert): Parameter[] {
  const members = query ? (convert(query).properties as Record<string, JsonSchema>) : {}; // queries are objects
  return Object.entries(members).map(([name, schema]) => ({
    name,
    in: 'query',
    // An object's members are parameters of their own: `metadata[team]`.
    ...(schema.type === 'object' && { style: 'deepObject' }),
    schema,
  }));
}

function json(schema: JsonSchema): Content {
  return { 'application/json': { schema } };
}

function schemaRef(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}
