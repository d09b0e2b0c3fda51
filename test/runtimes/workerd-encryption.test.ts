import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startOwnWorker } from '../support/doors/own-worker.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

// One Worker on one D1: as it should be, with another secret, and without the library or any secret. `/dump` is all that D1 has.
const worker = `
import { openEncryption } from '${ROOT}exports/encryption.ts';
import { createWorker } from '${ROOT}exports/worker.ts';

const { worker, BackgroundTurn } = createWorker({ openEncryption });
export { BackgroundTurn };
const others = { '/another': createWorker({ openEncryption }).worker, '/without': createWorker().worker };
const TABLES = ['responses', 'items', 'conversations', 'jobs', 'events', 'chunks'];
export default {
  ...worker,
  async fetch(request, env, context) {
    const url = new URL(request.url);
    if (url.pathname === '/dump') {
      const all = await env.DB.batch(TABLES.map((table) => env.DB.prepare('SELECT * FROM ' + table)));
      return Response.json(all.map(({ results }) => results));
    }
    const [name] = Object.keys(others).filter((path) => url.pathname.startsWith(path));
    if (!name) return worker.fetch(request, env, context);
    const ANTIPHON_CONFIG = name === '/another' ? env.ANOTHER : env.WITHOUT;
    const path = new Request(url.origin + url.pathname.slice(name.length), request);
    return others[name].fetch(path, { ...env, ANTIPHON_CONFIG }, context);
  },
};`;

const KEY = 'a secret of a Worker, of 32 bytes';

const config = (given: object) => JSON.stringify({ auth: 'none', models: [{ match: '*', backend: 'demo' }], ...given });

test('a Worker with antiphon/encryption keeps nothing plain in D1, and refuses requests without its secret', async (t) => {
  const started = await startOwnWorker('encryption', {
    source: worker,
    vars: {
      ANTIPHON_CONFIG: config({ encryptAtRest: true, secrets: [{ id: 'k1', key: KEY }] }),
      ANOTHER: config({ encryptAtRest: true, secrets: [{ id: 'k1', key: 'another secret for a Worker of 32' }] }),
      WITHOUT: config({}),
    },
  });
  t.after(() => started.dispose());
  const { origin } = await started.url;
  const ask = async (path: string, body?: object) => {
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(`${origin}${path}`, body && { method: 'POST', headers, body: JSON.stringify(body) });
    // biome-ignore lint/suspicious/noExplicitAny: tests reach into replies without a schema
    return { status: reply.status, json: (await reply.json()) as any };
  };
  const turn = {
    model: 'demo',
    instructions: 'canary-instructions',
    input: `canary-input ${'canary-snow '.repeat(20_000)}`,
  };
  const first = await ask('/v1/responses', turn);
  assert.equal(first.status, 200, JSON.stringify(first.json));
  const second = await ask('/v1/responses', { ...turn, input: 'canary-second', previous_response_id: first.json.id });
  assert.equal(second.status, 200);
  const items = await ask(`/v1/responses/${first.json.id}/input_items`);
  assert.match(JSON.stringify(items.json), /canary-input/);
  const conversation = await ask('/v1/conversations', { items: [{ role: 'user', content: 'canary-item' }] });
  assert.equal((await ask('/v1/responses', { ...turn, input: 'x', conversation: conversation.json.id })).status, 200);
  const { json } = await ask('/v1/responses', { ...turn, input: 'canary-background', background: true });
  for (let status = json.status; status !== 'completed'; ) ({ status } = (await ask(`/v1/responses/${json.id}`)).json);
  assert.equal((await ask('/v1/responses')).json.data.length, 4);

  const dump = JSON.stringify((await ask('/dump')).json);
  assert.ok(dump.length > 200_000);
  // A word with a hyphen: base64 has none, so that no word is found in encrypted text by chance.
  assert.deepEqual(dump.match(/canary-\w+/), null);
  for (const path of ['/another', '/without']) {
    const { status, json } = await ask(`${path}/v1/responses/${first.json.id}`);
    assert.deepEqual(
      [status, json.error.message],
      [500, 'The server is not configured as it should be; its log says more.'],
    );
  }
  assert.equal((await ask(`/v1/responses/${first.json.id}`)).status, 200);
});
