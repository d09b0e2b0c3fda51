import { SealedSummary } from '../../items/compaction.ts';
import { kinds } from '../../items/index.ts';
import * as input from '../../items/input.ts';
import { Phase } from '../../items/message.ts';
import * as forwarded from '../../neighbours/forwarded/requests.ts';
import { MessagesCount, MessagesCreate } from '../../neighbours/messages/request.ts';
import * as content from '../../protocol/content.ts';
import * as conversation from '../../protocol/conversation.ts';
import * as reasoning from '../../protocol/reasoning.ts';
import * as request from '../../protocol/request.ts';
import * as tools from '../../protocol/tools.ts';
import type { Route } from '../route.ts';
import { createConverter, type JsonSchema } from './json-schema.ts';
import { describeOperation, type Operation, type SecurityRequirement } from './operation.ts';
import { replySchemas } from './reply-schemas.ts';

/** An OpenAPI 3.1 document. */
export interface ApiDocument {
  openapi: string;
  info: { title: string; version: string; description: string };
  /** The base path, unless it is the root. */
  servers: { url: string; description?: string }[];
  tags?: readonly { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  /** What every operation asks for, unless it says otherwise. */
  security?: SecurityRequirement[];
  components: { schemas: Record<string, JsonSchema>; securitySchemes?: Record<string, object> };
}

const DESCRIPTION =
  'The OpenAI Responses API. Unknown members of a request are ignored, and null means "not given". ' +
  'Every error has the same form, under 1 KiB, and its param names the field.';

/** What the document of an API depends on beside its routes. */
export interface ApiFacts {
  /** The types of tools that the server runs itself or leaves out. */
  toolTypes: readonly string[];
  basePath?: string;
  /** Whether callers have to show a credential. Default: no. */
  needsCredential?: boolean;
}

const CREDENTIAL = {
  type: 'http',
  scheme: 'bearer',
  description: 'A key, or whatever this server identifies callers by.',
};

/** The document of these routes. */
export function describeApi(
  routes: readonly Route[],
  { toolTypes, basePath = '', needsCredential = false }: ApiFacts,
): ApiDocument {
  const items = Object.fromEntries(Object.values(kinds).map(({ title, schema }) => [title, schema]));
  const { CreateRequest, ...otherRequests } = request;
  const exported = {
    CreateRequest, // it is what most readers look for
    ...content,
    ...conversation,
    ...items,
    ...input,
    MessagesCreate,
    MessagesCount,
    Phase,
    SealedSummary,
    ...reasoning,
    ...otherRequests,
    ...tools,
    ...forwarded,
  };
  const schemas = Object.entries(exported).filter(([, value]) => 'kind' in value && value.kind === 'schema');
  const overrides = new Map<object, JsonSchema>();
  const { convert, define } = createConverter(new Map(schemas.map(([name, schema]) => [schema, name])), overrides);
  const others = { type: 'object', required: ['type'], properties: { type: { enum: toolTypes } } };
  overrides.set(tools.AnyTool, {
    anyOf: [...Object.values(tools.clientTools).map(convert), ...(toolTypes.length > 0 ? [others] : [])],
  });
  const operations = (rows: readonly Route[]) =>
    Object.fromEntries(rows.map((row) => [row.method.toLowerCase(), describeOperation(row, convert, needsCredential)]));
  const paths = Map.groupBy(routes, ({ path }) => path);
  return {
    openapi: '3.1.0',
    info: { title: 'Antiphon', version: '1', description: DESCRIPTION },
    servers: [{ url: basePath || '/' }],
    paths: Object.fromEntries(Array.from(paths, ([path, rows]) => [path, operations(rows)])),
    ...(needsCredential && { security: [{ credential: [] }] }),
    components: {
      ...(needsCredential && { securitySchemes: { credential: CREDENTIAL } }),
      schemas: { ...Object.fromEntries(schemas.map(([name, schema]) => [name, define(schema)])), ...replySchemas },
    },
  };
}
