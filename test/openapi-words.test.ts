import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, errorKinds } from '../handler/errors.ts';
import { describeApi } from '../handler/http/openapi/document.ts';
import { explain, findWords } from '../handler/http/openapi/explain.ts';
import { errorWords } from '../handler/http/openapi/words/errors.ts';
import { memberWords } from '../handler/http/openapi/words/members.ts';
import { operationWords } from '../handler/http/openapi/words/operations.ts';
import { routes } from '../handler/http/routes.ts';
import { post } from './support/doors/door.ts';
import { openInProcess } from './support/doors/in-process.ts';
import { fits } from './support/json-schema.ts';
import { forwardedScripts } from './support/model/forwarded-scripts.ts';
import { says } from './support/model/scripted.ts';

const api = explain(describeApi(routes, { toolTypes: ['test_tool'] }));
const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

// biome-ignore lint/suspicious/noExplicitAny: a schema is JSON of any form
type Schema = any;

interface Member {
  path: string;
  schema: Schema;
}

/** Every member of a schema, at whatever depth. */
function membersOf(schema: Schema, path: string): Member[] {
  const own = Object.entries<Schema>(schema.properties ?? {}).flatMap(([name, member]) => [
    { path: `${path}.${name}`, schema: member },
    ...membersOf(member, `${path}.${name}`),
  ]);
  const options = (schema.anyOf ?? []).flatMap((option: Schema) => membersOf(option, path));
  return [...own, ...options, ...(schema.items ? membersOf(schema.items, `${path}[]`) : [])];
}

const members = Object.entries(api.components.schemas).flatMap(([name, schema]) => membersOf(schema, name));
const parameters = operations.flatMap(({ operation }) => operation.parameters ?? []);

/** Whether a value needs no example: it is one of a few words, true or false, or an object whose members have theirs. */
function speaksForItself(schema: Schema): boolean {
  if ('const' in schema || 'enum' in schema || 'properties' in schema || '$ref' in schema) return true;
  if (schema.items) return speaksForItself(schema.items);
  if (schema.anyOf) return schema.anyOf.every(speaksForItself);
  return [schema.type].flat().every((type) => ['boolean', 'null', 'object', 'array'].includes(type));
}

test('every member has a description, and an example where its values do not speak for themselves', () => {
  for (const { path, schema } of members) {
    assert.ok(schema.description, `${path} has no description`);
    assert.ok(schema.examples || speaksForItself(schema), `${path} has no example`);
  }
  for (const { name, description, example } of parameters) {
    assert.ok(description, name);
    assert.ok(example !== undefined || name === 'Idempotency-Key', name);
  }
});

test('every example of a member is one that its schema takes', () => {
  for (const { path, schema } of members) {
    for (const example of schema.examples ?? []) {
      assert.ok(fits(api, schema, example), `${path}: ${JSON.stringify(example)}`);
    }
  }
});

test('no words are left over', () => {
  const used = new Set(
    [...members.map(({ path }) => path), ...parameters.map(({ name }) => `Query.${name}`)].map(findWords),
  );
  const unused = Object.keys(memberWords).filter((key) => !used.has(memberWords[key]));
  assert.deepEqual(unused, []);
  assert.deepEqual(Object.keys(operationWords).sort(), operations.map(({ operation }) => operation.operationId).sort());
});

test('every kind of error of an HTTP reply is at the operations that answer it, with its codes', () => {
  const text = JSON.stringify(api.paths);
  const missing = errorKinds.filter((kind) => !text.includes(`: ${errorWords[kind]}`));
  // Clients that are gone, and WebSockets.
  assert.deepEqual(missing, [
    ...['stream_id', 'stream_limit', 'connection_limit', 'method_not_allowed', 'no_websocket', 'cancelled'],
    'too_many_waiting',
  ]);
  const { responses } = api.paths['/v1/responses']?.post ?? assert.fail();
  assert.match(responses[404]?.description ?? '', /`"model_not_found"` \(to OpenAI's SDKs 400/);
});

test('the create comes first, and each operation has a group of those that there are', () => {
  assert.equal(Object.keys(api.components.schemas)[0], 'CreateRequest');
  const tags = api.tags?.map(({ name }) => name);
  for (const { operation } of operations) assert.ok(tags?.includes(operation.tags?.[0] ?? ''), operation.operationId);
});

/** What a value is made of: its members, and those of the first entry of a list. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return 'value';
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'metadata')
      .map(([name, member]) => [name, shapeOf(member)])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
}

/** An example of a form, whose file is a text in it. */
function formOf({ file, ...fields }: Record<string, string>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', new Blob([file ?? '']), 'file.wav');
  return form;
}

test('every example of a body is taken by the server, and every example of a reply is made as the server makes it', async (t) => {
  const door = await openInProcess();
  t.after(() => door.close());
  // The model of the examples is one that answers as they say.
  const model = door.model.counting('scripted', forwardedScripts, says('Hello.'));
  const ids = { resp_1: '', conv_1: '', msg_1: '', msg_2: '' };
  const real = (value: unknown) =>
    JSON.stringify(value)
      .replaceAll('"qwen3"', `"${model}"`)
      .replace(/\b(resp_1|conv_1|msg_1|msg_2)\b/g, (name) => ids[name as keyof typeof ids]); // the pattern has them all
  const made = async (path: string, body: object) => {
    const reply = await door.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return JSON.parse(await reply.text());
  };
  ids.resp_1 = (await made('/v1/responses', { model, input: 'Hi' })).id;
  ids.conv_1 = (await made('/v1/conversations', { items: [{ role: 'user', content: 'Hi' }] })).id;
  const listed = await (await door.fetch(`/v1/conversations/${ids.conv_1}/items`)).text();
  ids.msg_1 = ids.msg_2 = JSON.parse(listed).data[0].id;
  const background = (await made('/v1/responses', { model, input: 'Hi', background: true })).id;

  // What removes something comes last, and what it is in after it.
  const removals = (path: string, method: string) => (method === 'DELETE' ? 1 / path.length : 0);
  const order = operations.toSorted((a, b) => removals(a.path, a.method) - removals(b.path, b.method));
  for (const { path, method, operation } of order) {
    const { operationId, requestBody, responses, parameters = [] } = operation;
    const headers = parameters.filter(({ in: place, required }) => place === 'header' && required);
    const needed = Object.fromEntries(headers.map(({ name, example }) => [name, String(example)]));
    const words = operationWords[operationId] ?? assert.fail(operationId);
    const at = path
      .replace('{model}', 'demo')
      .replace('{item}', ids.msg_1)
      .replace('{id}', path.includes('/cancel') ? background : path.includes('/responses/') ? ids.resp_1 : ids.conv_1)
      .replace(/$/, ['listItems', 'listResponses', 'listConversations'].includes(operationId) ? '?order=asc' : '');
    const bodies = Object.entries(
      words.requests ?? (method === 'POST' ? { nothing: undefined } : { nothing: undefined }),
    );
    assert.equal(requestBody === undefined, words.requests === undefined, operationId);
    for (const [name, body] of bodies) {
      const [type = '', sent] = Object.entries(requestBody?.content ?? {})[0] ?? [];
      const isForm = type.startsWith('multipart/');
      if (body) assert.ok(fits(api, sent?.schema, body), `${operationId}: ${name}`);
      const reply = await door.fetch(at, {
        method,
        headers: { ...needed, ...(method === 'POST' && !isForm && { 'content-type': 'application/json' }) },
        ...(body && { body: isForm ? formOf(JSON.parse(real(body))) : real(body) }),
      });
      const text = await reply.text();
      assert.equal(reply.status, operationId === 'getDocsScript' ? 404 : 200, `${operationId}: ${name}: ${text}`);
      const media = reply.headers.get('content-type')?.split(';')[0] ?? '';
      const example = words.replies?.[media];
      if (example === undefined) continue;
      if (typeof example === 'string') {
        const types = (stream: string) =>
          Array.from(stream.matchAll(/^event: (\S+)$/gm), ([, type]) => type).filter((type) => type !== 'ping');
        assert.deepEqual(types(example), types(text));
        continue;
      }
      assert.ok(fits(api, responses[200]?.content[media]?.schema, example), `${operationId}: the reply`);
      // The example is the reply to the first body; a cancelled response may have its output by then.
      if (name !== bodies[0]?.[0] || operationId === 'cancelResponse') continue;
      assert.deepEqual(shapeOf(example), shapeOf(JSON.parse(text)), `${operationId}: ${name}`);
    }
  }
});

test('every example of a member of a create is taken by the server', async (t) => {
  const door = await openInProcess();
  t.after(() => door.close());
  const model = door.model.script(says('Hello.'));
  const schema = api.components.schemas.CreateRequest as Schema;
  const withItsOwn = ['model', 'previous_response_id', 'conversation']; // sent above, with ids that there are
  for (const [name, { examples = [] }] of Object.entries<Schema>(schema.properties)) {
    if (withItsOwn.includes(name)) continue;
    for (const example of examples) {
      const beside = name === 'top_logprobs' ? { include: ['message.output_text.logprobs'] } : {};
      const reply = await post(door, { model, input: 'Hi', ...beside, [name]: example });
      assert.equal(reply.status, 200, `${name}: ${await reply.text()}`);
    }
  }
  const error = new ApiError('missing', 'model field is required', { param: 'model' });
  assert.ok(fits(api, { $ref: '#/components/schemas/Error' }, error.reply('tiers').body));
});
