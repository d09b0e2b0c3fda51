import { ApiError, type ErrorKind } from '../../errors.ts';
import { messagesError } from '../../neighbours/messages/errors.ts';
import type { ApiDocument } from './document.ts';
import type { JsonSchema } from './json-schema.ts';
import type { Operation } from './operation.ts';
import { INTRODUCTION, schemaWords, TAGS } from './words/document.ts';
import { errorWords, OF_ALL, OF_BODIES } from './words/errors.ts';
import { memberWords } from './words/members.ts';
import type { OperationWords } from './words/operation-words.ts';
import { operationWords } from './words/operations.ts';

/** The document with words and examples: of its operations, their errors, and every member. It is a new one. */
export function explain(api: ApiDocument): ApiDocument {
  const schemas = Object.entries(api.components.schemas).map(([name, schema]) => {
    const description = schemaWords[name];
    return [name, { ...(description && { description }), ...withWords(schema, name) }] as const;
  });
  const paths = Object.entries(api.paths).map(([path, methods]) => {
    const operations = Object.entries(methods).map(([method, operation]) => [method, explainOperation(operation)]);
    return [path, Object.fromEntries(operations)];
  });
  return {
    ...api,
    info: { ...api.info, description: INTRODUCTION },
    tags: TAGS,
    paths: Object.fromEntries(paths),
    components: { schemas: Object.fromEntries(schemas) },
  };
}

function explainOperation(operation: Operation): Operation {
  const words = operationWords[operation.operationId];
  if (!words) return operation;
  const { requestBody, responses, parameters } = operation;
  const { default: _, ...replies } = responses;
  const kinds = [...(requestBody ? OF_BODIES : []), ...(words.errors ?? []), ...OF_ALL];
  return {
    ...operation,
    tags: [words.tag],
    description: words.description,
    ...(parameters && { parameters: parameters.map((one) => ({ ...one, ...wordsOf(`Query.${one.name}`) })) }),
    ...(requestBody && { requestBody: { ...requestBody, content: withRequests(requestBody.content, words) } }),
    responses: {
      ...withReplies(replies, words),
      ...(responses.default && errorsOf(kinds, words.tag, responses.default.content)),
    },
  };
}

/** The words of a parameter; nothing where there are none. */
function wordsOf(path: string): { description?: string; example?: unknown } {
  const [description, example] = findWords(path) ?? [];
  return { ...(description && { description }), ...(example !== undefined && { example }) };
}

function withRequests(content: Operation['responses'][string]['content'], { requests = {} }: OperationWords) {
  const examples = Object.fromEntries(Object.entries(requests).map(([name, value]) => [name, { value }]));
  return Object.fromEntries(Object.entries(content).map(([type, media]) => [type, { ...media, examples }]));
}

function withReplies(replies: Operation['responses'], words: OperationWords): Operation['responses'] {
  const rows = Object.entries(replies).map(([status, reply]) => {
    const content = Object.entries(reply.content).map(([type, media]) => {
      const example = words.replies?.[type];
      return [type, { ...media, ...(example !== undefined && { example }) }];
    });
    return [status, { ...reply, content: Object.fromEntries(content) }];
  });
  return Object.fromEntries(rows);
}

/** A reply for each status, which says when it comes and with which code. */
function errorsOf(kinds: readonly ErrorKind[], tag: string, content: Operation['responses'][string]['content']) {
  const isMessages = tag === 'Messages';
  const statusOf = (error: ApiError) => (isMessages ? messagesError(error, '') : error.reply('tiers')).status;
  const describe = isMessages ? describeMessagesKind : describeKind;
  const byStatus = Map.groupBy(new Set(kinds), (kind) => statusOf(new ApiError(kind, '')));
  const rows = [...byStatus].sort(([a], [b]) => a - b);
  return Object.fromEntries(
    rows.map(([status, kinds]) => [status, { description: kinds.map(describe).join('\n\n'), content }]),
  );
}

function describeMessagesKind(kind: ErrorKind): string {
  return `\`${messagesError(new ApiError(kind, ''), '').body.error.type}\`: ${errorWords[kind]}`;
}

function describeKind(kind: ErrorKind): string {
  const error = new ApiError(kind, '');
  const [tiers, openai] = (['tiers', 'openai'] as const).map((style) => {
    const { status, body } = error.reply(style);
    return { status, code: `\`${JSON.stringify(body.error.code)}\`` };
  });
  const isOther = openai?.code !== tiers?.code || openai?.status !== tiers?.status;
  const other = isOther ? ` (to OpenAI's SDKs ${openai?.status}, ${openai?.code})` : '';
  return `code ${tiers?.code}${other}: ${errorWords[kind]}`;
}

/** The schema with words at each of its members, at whatever depth. */
function withWords(schema: JsonSchema, path: string): JsonSchema {
  const { properties, anyOf, items } = schema as { properties?: Members; anyOf?: JsonSchema[]; items?: JsonSchema }; // as JSON Schema defines them
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, member]) => [name, describeMember(member, `${path}.${name}`)]),
      ),
    }),
    ...(anyOf && { anyOf: anyOf.map((option) => withWords(option, path)) }),
    ...(items && { items: withWords(items, `${path}[]`) }),
  };
}

type Members = Record<string, JsonSchema>;

function describeMember(member: JsonSchema, path: string): JsonSchema {
  const [description, example] = findWords(path) ?? [];
  const inner = withWords(member, path);
  const isFixed = 'const' in inner || 'enum' in inner;
  return {
    ...inner,
    ...(description && { description: [description, inner.description].filter(Boolean).join(' It ') }),
    ...(example !== undefined && !isFixed && { examples: [example] }),
  };
}

/** The words of a member by the longest end of its path that has any. */
export function findWords(path: string) {
  const names = path.split('.');
  for (let from = 0; from < names.length; from++) {
    const key = names.slice(from).join('.');
    const words = Object.hasOwn(memberWords, key) ? memberWords[key] : undefined;
    if (words) return words;
  }
  return undefined;
}
