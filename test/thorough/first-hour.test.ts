import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { freePort } from '../support/ports.ts';
import { startCommand } from '../support/product.ts';

const PAGE = readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8');
const KEY = 'a-good-key';

/** A server of Chat Completions with one model, `qwen3`, behind a key; it fails where it is told to. */
async function startServer(t: TestContext): Promise<string> {
  const server = createServer(async (request, reply) => {
    const json = (status: number, body: object) =>
      reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    let body = '';
    for await (const chunk of request) body += chunk;
    if (!request.url?.startsWith('/v1/')) return json(404, { detail: 'Not Found' });
    if (request.headers.authorization !== `Bearer ${KEY}`)
      return json(401, { error: { message: 'Incorrect API key' } });
    if (request.url === '/v1/models') return json(200, { object: 'list', data: [{ id: 'qwen3', object: 'model' }] });
    if (!body.includes('"qwen3"')) return json(404, { error: { message: 'The model `x` does not exist' } });
    return json(500, { error: { message: 'CUDA out of memory' } });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP listener has one
}

/** The product in front of a server, how it answers, and what it has logged when `words` are there. */
async function start(t: TestContext, url: string, key = KEY) {
  const product = await startCommand(['-no-envoy'], { OPENAI_BASE_URL: url, OPENAI_API_KEY: key });
  t.after(async () => {
    product.kill('SIGTERM');
    await product.exited;
  });
  const ask = async (body: object, path = '/v1/responses') => {
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(product.http + path, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: reply.status, ...JSON.parse(await reply.text()) };
  };
  const logged = async (...words: string[]) => {
    for (;;) {
      const line = product
        .stdout()
        .split('\n')
        .find((line) => words.every((word) => line.includes(word)));
      if (line) return JSON.parse(line);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return { product, ask, logged };
}

/** Asserts that the product says this, and the page as well. */
function says(text: string, words: string): void {
  assert.ok(text.includes(words), `${text} does not say ${words}`);
  assert.ok(PAGE.includes(words), `docs/troubleshooting.md does not say ${words}`);
}

const TURN = { model: 'qwen3', input: 'Hi' };
const WRONG = 'a model backend is not as it is configured';

test('nothing listens at the URL', { timeout: 60_000 }, async (t) => {
  const port = await freePort();
  const { ask, logged } = await start(t, `http://127.0.0.1:${port}/v1`);
  const { warning } = await logged(WRONG);
  says(
    warning.replace(String(port), 'PORT'),
    'nothing listens at 127.0.0.1:PORT (ECONNREFUSED); start the server, or correct host and port',
  );
  const { status, error } = await ask(TURN);
  assert.equal(status, 500);
  says(error.message, 'The model backend could not be reached, or broke off');
  says((await logged('"request"', '"status":500')).error, 'ECONNREFUSED');
});

test('the URL lacks its /v1', { timeout: 60_000 }, async (t) => {
  const { ask, logged } = await start(t, await startServer(t));
  says((await logged(WRONG)).warning, 'answers: did you mean that in OPENAI_BASE_URL?');
  const { status, error } = await ask(TURN);
  assert.equal(status, 500);
  says(error.message, 'The model backend answered with status 404: look at');
  says((await logged('"request"', '"status":500')).error, 'status 404');
});

test('the key is wrong', { timeout: 60_000 }, async (t) => {
  const { ask, logged } = await start(t, `${await startServer(t)}/v1`, 'a-bad-key');
  const { warning } = await logged(WRONG);
  says(warning, 'refuses the key: 401');
  says(warning, 'correct OPENAI_API_KEY');
  const { status, error } = await ask(TURN);
  assert.equal(status, 500);
  says(error.message, 'The model backend refused our credentials');
  assert.match(error.message, /OPENAI_API_KEY/);
  says((await logged('"request"', '"status":500')).error, 'refused our credentials');
});

test('a wrong model, wrong fields, and a background turn that fails', { timeout: 60_000 }, async (t) => {
  const { product, ask, logged } = await start(t, `${await startServer(t)}/v1`);
  const unknown = await ask({ ...TURN, model: 'qwen-3' });
  assert.deepEqual([unknown.status, unknown.error.code], [404, 'model_not_found']);
  says(unknown.error.message, 'Did you mean qwen3? There are: qwen3.');
  says(JSON.stringify(await logged('"request"', '"status":404')), 'model_not_found');

  const mistyped = await ask({ ...TURN, reasoning: { effort: 'hihg' } });
  assert.equal(mistyped.status, 422);
  says(mistyped.error.message, 'is "hihg" (did you mean "high"?) and must be one of');
  const foreign = await ask({ model: 'qwen3', messages: [] });
  assert.equal(foreign.status, 422);
  says(foreign.error.message, 'the Responses API has input in its place');
  says((await ask(TURN, '/v1/v1/responses')).error.message, 'What comes near is /v1/responses.');
  for (const code of ['invalid_value', 'unsupported_parameter'])
    says((await logged('"status":422', code)).error_code, code);

  const { id } = await ask({ ...TURN, background: true });
  const line = await logged('"background turn"', '"ERROR"', id);
  assert.match(line.request_id, /^req_/);
  const response = JSON.parse(await (await fetch(`${product.http}/v1/responses/${id}`)).text());
  assert.deepEqual([response.status, response.error.code], ['failed', 'server_error']);
  assert.match(response.error.message, /CUDA out of memory/);
});
