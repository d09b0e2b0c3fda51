import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Backend } from '../handler/backend/backend.ts';
import { openServer } from '../handler/backend/server/server.ts';
import { toldContext } from '../handler/backend/server/told-context.ts';
import { modelsOf } from '../handler/routing/models.ts';
import { contextFor } from '../handler/turn/overflow.ts';
import { anyServer } from './support/backend-contract.ts';

const address = { backend: 'chat', urlHost: null };

/** The server that answers these bodies to `METHOD PATH`, and 404 to all else. */
function serverWith(bodies: Record<string, object>) {
  return openServer('http://model.test/v1', undefined, async (url, { method }) => {
    const body = bodies[`${method} ${new URL(url).pathname}`];
    async function* bytes() {
      yield new TextEncoder().encode(JSON.stringify(body ?? {}));
    }
    return { status: body ? 200 : 404, header: () => null, body: bytes() };
  });
}

const { signal } = new AbortController();
const recorded = (server: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${server}/models.json`, import.meta.url), 'utf8'));
const listed = (members: object) => ({ 'GET /v1/models': { data: [{ id: 'a' }, { id: 'm', ...members }] } });

test('servers tell the context of a model in their list of models', async () => {
  const told: [bodies: Record<string, object>, model: string, context: number | undefined][] = [
    [{ 'GET /v1/models': recorded('vllm') }, 'vtool', 1024],
    [{ 'GET /v1/models': recorded('llama.cpp') }, 'tiny-chat', 1024],
    [{ 'GET /v1/models': recorded('llama.cpp') }, 'any-name', 1024],
    [listed({ context_length: 131072 }), 'm', 131072],
    [listed({ context_window: 8192 }), 'm', 8192],
    [listed({ max_context_length: 32768 }), 'm', 32768],
    [listed({ max_model_len: null }), 'm', undefined],
    [listed({ max_model_len: 4096 }), 'unknown', undefined],
    [listed({ max_model_len: 0 }), 'm', undefined],
  ];
  for (const [bodies, model, context] of told)
    assert.equal(await toldContext(serverWith(bodies), model, signal), context, JSON.stringify(bodies).slice(0, 80));
  await assert.rejects(toldContext(serverWith({}), 'm', signal));
});

test('Ollama is asked what it cuts inputs to', async () => {
  const list = listed({ owned_by: 'library' });
  const model_info = { 'general.architecture': 'llama', 'llama.context_length': 131072 };
  const parameters = 'stop                           "<|end|>"\nnum_ctx                        8192';
  const shown = (body: object) => toldContext(serverWith({ ...list, 'POST /api/show': body }), 'm', signal);
  assert.equal(await shown({ parameters, model_info }), 8192);
  assert.equal(await shown({ parameters: 'stop "x"', model_info }), 131072);
  assert.equal(await shown({}), undefined);
});

test('a context is asked for once, and what a server names where it was exceeded counts from then on', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  let asked = 0;
  let fails = false;
  const backend: Backend = {
    prepare: () => ({ async *stream() {} }),
    models: async () => [],
    async context() {
      asked++;
      if (fails) throw new Error('it is down');
      return 4096;
    },
  };
  const models = modelsOf([
    { match: 'own', servers: [{ backend, address, profile: { ...anyServer, isOpenAI: true } }] },
    { match: '*', servers: [{ backend, address, profile: anyServer }] },
  ]);
  const { toldContext: told, learnContext } = models.find('a');
  assert.deepEqual(
    await Promise.all([told(1_000), told(1_000), models.find('a').toldContext(1_000)]),
    [4096, 4096, 4096],
  );
  assert.equal(asked, 1);
  learnContext(2048);
  assert.equal(await told(1_000), 2048);
  assert.equal(await models.find('own').toldContext(1_000), undefined);
  now += 3_600_001;
  fails = true;
  assert.equal(await told(1_000), undefined);
  assert.equal(asked, 2);
});

test('a server is asked only where the context matters, and nobody has configured it', async () => {
  let asked = 0;
  const model = {
    prepare: () => ({ async *stream() {} }),
    context: undefined as number | undefined,
    async toldContext() {
      asked++;
      return 4096;
    },
    learnContext() {},
  };
  const compaction = { type: 'compaction' as const };
  for (const request of [{ truncation: 'auto' as const }, { context_management: [compaction] }])
    assert.equal(await contextFor(request, model, 1_000), 4096);
  assert.equal(asked, 2);
  for (const request of [{}, { context_management: [{ ...compaction, compact_threshold: 9 }] }])
    assert.equal(await contextFor(request, model, 1_000), undefined);
  assert.equal(await contextFor({ truncation: 'auto' }, { ...model, context: 512 }, 1_000), 512);
  assert.equal(asked, 2);
});
