import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Hono } from 'hono';
import OpenAI from 'openai';
import { createHandler, type HandlerOptions, type Ingress, parseConfig } from '../../handler/index.ts';
import { serveHttp } from '../../shim/http.ts';
import { testDatabase } from '../support/doors/database.ts';
import { freePort } from '../support/ports.ts';
import { openSocket } from '../support/socket.ts';

type Fetch = (request: Request, ingress: Ingress) => Response | Promise<Response>;

async function open(options: Partial<HandlerOptions> = {}) {
  return createHandler({ config: parseConfig({}), database: await testDatabase(), ...options });
}

/** The ways to have the API below `/api`: by the handler itself, and by an app that it is mounted in, or called from. */
const ways: Record<string, () => Promise<Fetch>> = {
  basePath: async () => (await open({ basePath: '/api' })).fetch,
  mount: async () => {
    const handler = await open();
    return new Hono<{ Bindings: Ingress }>().mount('/api', handler.fetch).fetch;
  },
  'basePath, called from a route': async () => {
    const handler = await open({ basePath: '/api' });
    return new Hono<{ Bindings: Ingress }>().all('/api/*', (c) => handler.fetch(c.req.raw, c.env)).fetch;
  },
};

async function serve(t: TestContext, fetch: Fetch): Promise<string> {
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch });
  t.after(server.close);
  return `http://127.0.0.1:${server.port}`;
}

const create = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"model":"demo","input":"Hi"}',
};

for (const [name, way] of Object.entries(ways)) {
  test(`${name}: the API answers below a base path, over WebSockets as well, and nowhere else`, async (t) => {
    const at = await serve(t, await way());
    const made = await fetch(`${at}/api/v1/responses`, create);
    assert.equal(made.status, 200);
    const { id } = (await made.json()) as { id: string };
    assert.equal((await fetch(`${at}/api/v1/responses/${id}`)).status, 200);
    assert.equal((await fetch(`${at}/api/livez`)).status, 200);
    assert.equal((await fetch(`${at}/api/v1/responses`, { method: 'PUT' })).headers.get('allow'), 'POST, GET');
    for (const path of ['/v1/responses', '/livez', '/apiv1/responses', '/api/api/v1/responses', '/api//v1/responses']) {
      assert.equal((await fetch(`${at}${path}`, create)).status, 404, path);
    }
    const socket = await openSocket({ client: new OpenAI({ baseURL: `${at}/api/v1`, apiKey: 'unused' }) });
    const { final } = await socket.create({ model: 'demo' });
    assert.equal(final.status, 'completed');
    socket.close();
  });

  test(`${name}: a path that is not in its normal form is refused`, async (t) => {
    const at = await serve(t, await way());
    const paths = ['/api/v1/%63onversations', '/api/v1%5Cconversations', '/api/v1%2Fconversations'];
    for (const path of [...paths, '/%61pi/v1/conversations', '/api%2Fv1/conversations']) {
      assert.equal((await fetch(`${at}${path}`, create)).status, 400, path);
    }
  });
}

test('a path below a base path is refused by the handler as well, whatever serves it', async () => {
  const { fetch } = await open({ basePath: '/api' });
  assert.equal((await fetch(new Request('http://x/api/v1/%63onversations', create))).status, 400);
});

test('the OpenAPI document says where the paths begin, and the page links to it', async () => {
  const at = async (basePath: string) => {
    const { fetch } = await open({ basePath });
    const document = (await (await fetch(new Request(`http://x${basePath}/openapi.json`))).json()) as {
      servers?: unknown;
    };
    const page = await (await fetch(new Request(`http://x${basePath}/docs`))).text();
    assert.match(page, /href="openapi\.json"/);
    return document.servers;
  };
  assert.deepEqual(await at(''), [{ url: '/' }]);
  assert.deepEqual(await at('/llm/api'), [{ url: '/llm/api' }]);
});

test('a base path that no request could have is refused at once', async () => {
  for (const basePath of ['/', 'api', '/api/', '/a b', '/:tenant', '/*']) {
    await assert.rejects(open({ basePath }), /basePath must be like \/api/, basePath);
  }
});
