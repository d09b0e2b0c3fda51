// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how a configuration names what it refers to
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { readSecretFiles } from '../handler/config/secrets.ts';
import { openEgress } from '../handler/egress/open.ts';
import { type Config, type Identify, parseConfig, readConfig } from '../handler/index.ts';
import { toolContract } from '../handler/tools/contract/index.ts';
import type { ConfiguredFunction } from '../handler/tools/functions/configured-function.ts';
import { functionTool } from '../handler/tools/functions/function-tool.ts';
import { httpFunction } from '../handler/tools/functions/http-function.ts';
import { CUT } from '../handler/tools/functions/reply-text.ts';
import { createEgress } from '../shim/egress.ts';
import { tryContract } from './support/contract.ts';
import { testHandler } from './support/doors/in-process.ts';
import { startServer } from './support/egress-server.ts';
import { callsFunctions, type ScriptedModel, says, startScriptedModel } from './support/model/scripted.ts';
import { toolSubject } from './support/tool-subject.ts';

/** A function of a configuration, with its defaults. */
function functionOf(http: object) {
  const [first] = parseConfig({ tools: [{ http: { name: 'f', description: 'd', ...http } }] }).tools;
  return first?.http ?? assert.fail('it has one');
}

describe('a function by HTTP', () => {
  const context = { caller: { id: 'c' }, input: [], include: [] };
  const bounds = { timeout: 10_000, maxBytes: 1_000 + CUT.length };

  /** What a function answers, of a server that answers so. */
  async function answerOf(t: TestContext, answer: Parameters<typeof startServer>[1], http: object = {}, args = '{}') {
    const { connect, close } = createEgress();
    t.after(close);
    const server = await startServer(t, answer);
    const fn = httpFunction(functionOf({ url: `${server.origin}/f`, ...http }), openEgress(connect), bounds);
    const given = await fn.run(args, new AbortController().signal, context);
    return { given, asked: server.asked };
  }

  const bodies: [type: string | undefined, body: string | Buffer, expected: RegExp | string][] = [
    ['application/json', '{"a":1}', '{"a":1}'],
    ['application/problem+json; charset=utf-8', '{"a":1}', '{"a":1}'],
    ['text/plain; charset=iso-8859-1', Buffer.from([0xe9]), 'é'],
    ['text/plain; charset=nothing', 'é', 'é'],
    ['text/html', '', 'Done; the answer is empty.'],
    [undefined, 'plain', 'plain'],
    [undefined, Buffer.from([0xff, 0xfe, 0x00]), /no text/],
    ['image/png', 'a', /no text/],
    ['text/plain', `${'é'.repeat(499)}abc`, `${'é'.repeat(499)}ab\n[The answer is longer: this is its beginning.]`],
    ['text/plain', `a${'é'.repeat(600)}`, `a${'é'.repeat(499)}\n[The answer is longer: this is its beginning.]`],
  ];
  for (const [index, [type, body, expected]] of bodies.entries()) {
    test(`answers ${index}: ${type ?? 'no type'}`, async (t) => {
      const { given } = await answerOf(t, (_, reply) =>
        reply.writeHead(200, type ? { 'content-type': type } : {}).end(body),
      );
      const text = 'output' in given ? given.output : 'message' in given.error ? given.error.message : '';
      if (typeof expected === 'string') assert.equal(text, expected);
      else assert.match(text, expected);
    });
  }

  test('its headers say who calls, as far as that is known', async (t) => {
    const headers = { authorization: 'Bearer a', 'x-user': '${user}', 'x-of': 'tenant ${tenant}' };
    const { asked } = await answerOf(t, (_, reply) => reply.end('a'), { headers });
    const { authorization, 'x-user': user, 'x-of': of } = asked[0]?.headers ?? {};
    assert.deepEqual([authorization, user, of], ['Bearer a', undefined, 'tenant default']);
  });

  test('what it says has none of its credentials', async (t) => {
    const headers = { authorization: 'Bearer a-key-of-ours' };
    for (const status of [200, 401]) {
      const { given } = await answerOf(
        t,
        ({ headers, line }, reply) => reply.writeHead(status).end(`No: ${headers.authorization} of ${line}`),
        { headers },
      );
      assert.doesNotMatch(JSON.stringify(given), /a-key-of-ours/);
      assert.match(JSON.stringify(given), /No: <redacted> of POST \/f/);
    }
  });

  test('its redirects lead to no private place, and its credentials nowhere else', async (t) => {
    const other = await startServer(t, (_, reply) => reply.end('secret'));
    const { given } = await answerOf(t, (_, reply) => reply.writeHead(307, { location: other.origin }).end());
    assert.partialDeepStrictEqual(given, { error: { type: 'http_error', code: 502 } });
    assert.equal(other.asked.length, 0);
  });

  test('a body that is not sent in time is a failed call', async (t) => {
    const { connect, close } = createEgress();
    t.after(close);
    const server = await startServer(t, (_, reply) => reply.write('a'));
    const fn = httpFunction(functionOf({ url: server.origin }), openEgress(connect), { ...bounds, timeout: 100 });
    const given = await fn.run('{}', new AbortController().signal, context);
    assert.partialDeepStrictEqual(given, { error: { type: 'http_error', code: 504 } });
    const reason = new Error('enough');
    await assert.rejects(fn.run('{}', AbortSignal.abort(reason), context), reason);
  });
});

describe('configured', () => {
  const problem = (http: object) => {
    try {
      parseConfig({ tools: [{ http: { name: 'f', description: 'd', url: 'http://x/', ...http } }] });
    } catch (error) {
      return String(error instanceof Error ? error.message : error);
    }
    return undefined;
  };
  const wrong: [http: object, says: RegExp][] = [
    [{ name: 'a b' }, /tools\.0\.http\.name must be 1 to 64 letters/],
    [{ name: 'mcp_a__b' }, /must not begin with mcp_/],
    [{ description: '' }, /must say what the function does/],
    [{ parameters: { type: 'array' } }, /must have `type: object`/],
    [{ parameters: 'city' }, /must be a JSON Schema/],
    [{ url: 'ftp://x/' }, /must begin with http/],
    [{ url: 'http://a:b@x/' }, /must not hold a user/],
    [{ method: 'HEAD' }, /must be GET, POST, PUT, PATCH or DELETE/],
    [{ headers: { Host: 'a' } }, /is a header of the connection/],
    [{ headers: { 'content-type': 'a' } }, /is a header of the connection, or of the body/],
    [{ headers: { 'x-a': 'a\nb' } }, /must be one line/],
    [{ headers: { 'x-a': 'a', 'X-A': 'b' } }, /must not have a header twice/],
    [{ offer: 'allways' }, /must be always or named: did you mean always/],
    [{ tenants: [] }, /must name at least one tenant/],
    [{ metod: 'GET' }, /is not a key that is known: did you mean method/],
  ];
  for (const [http, says] of wrong) {
    test(`${JSON.stringify(http)} is a mistake`, () => assert.match(problem(http) ?? '', says));
  }

  test('two of one name are a mistake, and a key that is none', () => {
    const http = { name: 'f', description: 'd', url: 'http://x/' };
    assert.throws(() => parseConfig({ tools: [{ http }, { http }] }), /tools\.1 has the name of another/);
    assert.throws(() => parseConfig({ tools: [{ https: http }] }), /tools\.0\.https.* did you mean http\?/);
  });

  test('a header may be in a file, or refer to who calls; clients’ headers are no part of it', async () => {
    const headers = { authorization: { file: '/key' }, 'x-user': '${user}' };
    const written = (more: object) => ({
      tools: [{ http: { name: 'f', description: 'd', url: 'http://x/', headers: more } }],
    });
    const secrets = await readSecretFiles(written(headers), {}, async () => 'Bearer from-a-file');
    const read = readConfig(written(headers), { env: {}, secrets });
    assert.deepEqual(read.tools[0]?.http.headers, { authorization: 'Bearer from-a-file', 'x-user': '${user}' });
    assert.throws(
      () => readConfig(written({ 'x-a': '${header:x-b}' }), { env: {} }),
      /tools\.0\.http\.headers\.x-a has \$\{header:x-b\}/,
    );
    assert.throws(() => readConfig(written({ 'x-a': '${A}' }), { env: {} }), /needs the environment variable A/);
    assert.equal(readConfig(written({ 'x-a': '${A}' }), { env: { A: 'b' } }).tools[0]?.http.headers['x-a'], 'b');
  });
});

describe('offered', () => {
  /** A handler with functions on a server that says what it is asked. */
  async function open(t: TestContext, more: { identify?: Identify; functions?: readonly object[] } = {}) {
    const model = await startScriptedModel();
    const server = await startServer(t, ({ line }, reply) => reply.end(`asked ${line}`));
    const configOf = (functions: readonly object[]): Config =>
      parseConfig({
        models: [{ match: '*', backend: 'chat', url: model.url }],
        tools: functions.map((fn) => ({ http: { description: 'd', url: `${server.origin}/f`, ...fn } })),
      });
    const { identify, functions = [] } = more;
    const handler = await testHandler(model, { config: configOf(functions), ...(identify && { identify }) });
    t.after(async () => {
      await handler.close();
      await model.close();
    });
    return { handler, model, server, configOf };
  }

  async function ask(handler: { fetch(request: Request): Promise<Response> }, body: object, headers = {}) {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ input: 'Hi', ...body }),
    };
    const reply = await handler.fetch(new Request('http://h/v1/responses', init));
    assert.equal(reply.status, 200, await reply.clone().text());
    return (await reply.json()) as { output: { type: string; output?: string; name?: string }[]; tools: object[] };
  }

  const offeredTo = (model: ScriptedModel, name: string): string[] =>
    (model.calls(name)[0]?.body.tools ?? []).map((tool: { function: { name: string } }) => tool.function.name);

  test('to every turn, unless its request has a function of that name', async (t) => {
    const { handler, model } = await open(t, { functions: [{ name: 'f', offer: 'always' }, { name: 'g' }] });
    const name = model.script(callsFunctions({ name: 'f', args: '{}' }), says('done'));
    const { output, tools } = await ask(handler, { model: name });
    assert.deepEqual([offeredTo(model, name), tools], [['f'], []]);
    assert.partialDeepStrictEqual(output, [
      { type: 'mcp_call', name: 'f', output: 'asked POST /f' },
      { type: 'message' },
    ]);
    const own = model.script(callsFunctions({ name: 'f', args: '{}' }));
    const mine = { type: 'function', name: 'f', description: 'Mine.' };
    assert.deepEqual(
      (await ask(handler, { model: own, tools: [mine] })).output.map(({ type }) => type),
      ['function_call'],
    );
    assert.deepEqual(offeredTo(model, own), ['f']);
  });

  test('to those of its tenants alone, who else names it has a function of the client', async (t) => {
    const identify: Identify = ({ headers }) => ({ id: 'a', tenant: headers.get('x-tenant') ?? 'b' });
    const functions = [
      { name: 'all', offer: 'always' },
      { name: 'acme', offer: 'always', tenants: ['acme'] },
      { name: 'named', tenants: ['acme'] },
    ];
    const { handler, model } = await open(t, { identify, functions });
    const tools = [{ type: 'function', name: 'named' }];
    const [theirs, others] = [1, 2].map(() =>
      model.script(callsFunctions({ name: 'named', args: '{}' }), says('done')),
    );
    assert.ok(theirs && others);
    const first = await ask(handler, { model: theirs, tools }, { 'x-tenant': 'acme' });
    assert.deepEqual(offeredTo(model, theirs), ['all', 'acme', 'named']);
    assert.deepEqual(
      first.output.map(({ type }) => type),
      ['mcp_call', 'message'],
    );
    const second = await ask(handler, { model: others, tools }, { 'x-tenant': 'other' });
    assert.deepEqual(offeredTo(model, others), ['named', 'all']);
    assert.deepEqual(
      second.output.map(({ type }) => type),
      ['function_call'],
    );
  });

  test('as the newest configuration has it', async (t) => {
    const { handler, model, configOf } = await open(t);
    const before = model.script(says('a'));
    await ask(handler, { model: before });
    handler.reload(configOf([{ name: 'new', offer: 'always' }]));
    const after = model.script(says('a'));
    await ask(handler, { model: after });
    assert.deepEqual([offeredTo(model, before), offeredTo(model, after)], [[], ['new']]);
  });

  test('to chats and messages that are translated as well, whose answers have only the text', async (t) => {
    const { handler, model } = await open(t, { functions: [{ name: 'f', offer: 'always' }] });
    const name = model.script(callsFunctions({ name: 'f', args: '{}' }), says('done'));
    const body = { model: name, max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] };
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify(body),
    };
    const reply = await handler.fetch(new Request('http://h/v1/messages', init));
    const text = await reply.text();
    assert.equal(reply.status, 200, text);
    const { content } = JSON.parse(text);
    assert.deepEqual(content, [{ type: 'text', text: 'done', citations: null }]);
    assert.equal(model.calls(name).length, 2);
  });
});

/** The function tool, as requests of the contract name it. */
async function contractSubject() {
  const base = { definition: { type: 'function', parameters: { type: 'object' } }, offer: 'named' } as const;
  const functions: ConfiguredFunction[] = [
    { ...base, definition: { ...base.definition, name: 'answers' }, run: async () => ({ output: 'the result of it' }) },
    {
      ...base,
      definition: { ...base.definition, name: 'waits' },
      run: (_, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    },
  ];
  return toolSubject(
    { ...functionTool, type: 'function', parse: () => functions },
    {
      entry: { name: 'answers' },
      calls: { name: 'answers', args: { a: 1 } },
      result: 'the result of it',
      waits: { name: 'waits', args: {} },
    },
  );
}

tryContract('functions by configuration keep the contract of a tool', toolContract, contractSubject);
