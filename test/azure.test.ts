import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createHandler, parseConfig } from '../handler/index.ts';
import { askBackends } from '../shim/backends/ask.ts';
import { createTransport } from '../shim/transport.ts';
import { testDatabase } from './support/doors/database.ts';
import { listOf, serve } from './support/list-servers.ts';

const KEY = '0123456789abcdef0123456789abcdef';
const TOKEN = 'eyJhbGciOiJub25lIn0.eyJhdWQiOiJhenVyZSJ9.c2lnbmVk';

/** What Azure sends before the answer, and with it. */
const STREAM = [
  { choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: { hate: { filtered: false } } }] },
  { choices: [{ index: 0, delta: { role: 'assistant', content: '' }, content_filter_results: {} }] },
  { choices: [{ index: 0, delta: { content: 'Hello' }, content_filter_results: { hate: { filtered: false } } }] },
  { choices: [{ index: 0, delta: {}, finish_reason: 'stop', content_filter_results: {} }] },
  { choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } },
];

/** A server as Azure's: a deployment and the v1 API, each with its paths, its query and its credentials; it notes what it is asked. */
async function startAzure(t: TestContext) {
  const asked: string[] = [];
  const bodies: Record<string, unknown>[] = [];
  const origin = await serve(t, async (request, reply) => {
    const { method, url = '', headers } = request;
    asked.push(`${method} ${url}`);
    const isKnown = headers['api-key'] === KEY || headers.authorization === `Bearer ${TOKEN}`;
    const fail = (status: number, code: string, message: string) =>
      reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { code, message } }));
    if (!isKnown || (headers['api-key'] && headers.authorization))
      return fail(401, '401', 'Access denied due to invalid subscription key');
    const { pathname, searchParams } = new URL(url, 'http://x');
    if (pathname === '/openai/v1/models') return reply.end(listOf('gpt-5', 'gpt-5-mini'));
    const isDeployment = pathname === '/openai/deployments/ours/chat/completions';
    if (isDeployment && searchParams.get('api-version') !== '2024-10-21') return fail(404, '404', 'Resource not found');
    if (!isDeployment && pathname !== '/openai/v1/chat/completions')
      return pathname.startsWith('/openai/deployments/')
        ? fail(404, 'DeploymentNotFound', 'The API deployment for this resource does not exist.')
        : fail(404, '404', 'Resource not found');
    let text = '';
    for await (const chunk of request) text += chunk;
    bodies.push(JSON.parse(text));
    reply.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of STREAM)
      reply.write(`data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', ...chunk })}\n\n`);
    reply.end('data: [DONE]\n\n');
  });
  return { origin, asked, bodies };
}

async function open(t: TestContext, entry: object) {
  const { transport, close } = createTransport();
  const database = await testDatabase();
  const config = parseConfig({ models: [{ match: '*', backend: 'chat', server: 'azure', key: KEY, ...entry }] });
  const handler = createHandler({ config, transport, database });
  t.after(async () => {
    await handler.close(0);
    await close();
    await database.close();
  });
  const ask = async (path: string, body?: object) => {
    const init = body && {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    };
    const reply = await handler.fetch(new Request(`http://x${path}`, init));
    // biome-ignore lint/suspicious/noExplicitAny: tests reach into replies without a schema
    return { status: reply.status, json: (await reply.json()) as any };
  };
  const turn = () => ask('/v1/responses', { model: 'gpt-5', input: 'Hi', max_output_tokens: 50, user: 'u' });
  const report = async () => (await askBackends(config.models ?? [], transport))[0];
  return { ask, turn, report };
}

test('a deployment of Azure is called with its key in its own header, and the query of its URL', async (t) => {
  const azure = await startAzure(t);
  const { turn, ask, report } = await open(t, {
    url: `${azure.origin}/openai/deployments/ours?api-version=2024-10-21`,
  });
  const { status, json } = await turn();
  assert.equal(status, 200, JSON.stringify(json));
  assert.equal(json.output.at(-1).content[0].text, 'Hello');
  assert.deepEqual([json.usage.input_tokens, json.usage.output_tokens], [5, 2]);
  assert.equal(azure.bodies[0]?.max_completion_tokens, 50);
  assert.equal(azure.bodies[0]?.user, 'u');
  const found = await report();
  assert.deepEqual([found?.names, found?.came, found?.warning], [['ours'], 'one deployment: ours', undefined]);
  assert.equal((await ask('/v1/models')).status, 200);
  const counted = await ask('/v1/responses/input_tokens', { model: 'gpt-5', input: 'Hi' });
  assert.equal(counted.status, 200);
  assert.deepEqual(
    new Set(azure.asked),
    new Set(['POST /openai/deployments/ours/chat/completions?api-version=2024-10-21']),
  );
});

test('the v1 API of Azure needs no query, lists its models, and keeps a query that it has', async (t) => {
  const azure = await startAzure(t);
  for (const query of ['', '?api-version=preview', '/?api-version=preview#part']) {
    const { turn, report } = await open(t, { url: `${azure.origin}/openai/v1${query}` });
    assert.equal((await turn()).status, 200);
    assert.equal((await report())?.came, '2 models: gpt-5, gpt-5-mini');
    const kept = query.replace(/^\/|#.*/g, '');
    assert.deepEqual(azure.asked.splice(0), [
      `POST /openai/v1/chat/completions${kept}`,
      `GET /openai/v1/models${kept}`,
    ]);
  }
});

test('a token of Entra ID goes as any bearer token, and a key of another server too', async (t) => {
  const azure = await startAzure(t);
  const url = `${azure.origin}/openai/v1`;
  assert.equal((await (await open(t, { url, key: TOKEN })).turn()).status, 200);
  assert.equal((await (await open(t, { url, server: 'vllm' })).turn()).status, 500, 'a bearer token of no Azure');
});

test('a wrong deployment, a wrong version and a pasted address are told apart', async (t) => {
  const azure = await startAzure(t);
  const deployment = `${azure.origin}/openai/deployments`;
  const gone = await (await open(t, { url: `${deployment}/gone?api-version=2024-10-21` })).turn();
  assert.deepEqual([gone.status, gone.json.error.code], [404, 'model_not_found']);
  assert.equal((await (await open(t, { url: `${deployment}/ours` })).turn()).status, 500, 'no version');
  const pasted = `${deployment}/ours/chat/completions?api-version=2024-10-21`;
  assert.equal(
    (await (await open(t, { url: pasted })).report())?.warning,
    `is the address of one call, not of the API: did you mean ${deployment}/ours?api-version=2024-10-21 in models.0.url?`,
  );
});

test('rules of headers leave the key of Azure alone, and a deployment has nothing to be probed by', () => {
  const entry = { match: '*', backend: 'chat', url: 'https://ours.openai.azure.com/openai/v1' };
  const send = { headers: { remove: ['api-key'] } };
  assert.throws(
    () => parseConfig({ models: [{ ...entry, send }] }),
    /send\.headers\.remove has api-key, in which the key goes/,
  );
  assert.throws(
    () => parseConfig({ models: [{ ...entry, url: 'https://x/v1', server: 'azure', send }] }),
    /has api-key/,
  );
  parseConfig({ models: [{ ...entry, server: 'vllm', openai: false, send }] });
  const url = 'https://ours.openai.azure.com/openai/deployments/d?api-version=1';
  assert.throws(
    () => parseConfig({ models: [{ ...entry, url, probe: '10s' }] }),
    /models\.0\.probe is not for a deployment of Azure/,
  );
});
