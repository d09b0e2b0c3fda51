import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { newFolder } from '../support/folder.ts';
import { type ScriptedModel, startScriptedModel } from '../support/model/scripted.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';

const KILLS = Number(process.env.KILLS ?? 100);
const CLIENTS = 8;

/** What the clients know of a response: the text that it was acknowledged with, or that they only saw it begin. */
type Known = Map<string, { text: string; previous: string | undefined; whole: boolean }>;

test(`${KILLS} times killed under load: what was acknowledged is there and whole, the rest has failed`, async (t) => {
  const dir = newFolder();
  const model = await startScriptedModel();
  t.after(() => model.close());
  const file = join(dir, 'a.db');
  const models = [{ match: '*', backend: 'chat', url: model.url }];
  const config = await writeConfig(dir, { database: `sqlite:${file}`, models, limits: { lease: '500ms' } });
  const known: Known = new Map();
  for (let kill = 0; kill < KILLS; kill++) {
    const product = await startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
    assert.match(product.stderr(), /is ready/, product.stderr());
    const clients = Array.from({ length: CLIENTS }, (_, n) => keepAsking(product, model, known, n % 2 === 0));
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 200));
    product.kill('SIGKILL');
    await product.exited;
    await Promise.all(clients);
  }

  const product = await startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
  const counts = { completed: 0, failed: 0, acknowledged: 0 };
  for (const [id, { text, previous, whole }] of known) {
    const response = await settled(product, id);
    assert.equal(response.previous_response_id, previous ?? null);
    if (whole) counts.acknowledged++;
    if (response.status === 'completed') {
      counts.completed++;
      assert.equal(response.output[0].content[0].text, text);
    } else {
      assert.ok(!whole, `${id} was acknowledged and is ${response.status}`);
      counts.failed++;
      assert.equal(response.status, 'failed');
      assert.equal(response.error.code, 'server_error');
    }
  }
  product.kill('SIGTERM');
  await product.exited;
  // A process that lives for a lease ends what others left behind, of which no client knows either.
  const last = await startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
  for (let looks = 0; looks < 100 && countOpen(file) > 0; looks++) await new Promise((next) => setTimeout(next, 100));
  last.kill('SIGTERM');
  await last.exited;
  t.diagnostic(JSON.stringify({ responses: known.size, ...counts }));
  assert.ok(counts.acknowledged > KILLS && counts.failed > 0, 'the load was one');

  const database = new DatabaseSync(file);
  assert.equal(database.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok');
  const torn = `SELECT r.id, r.status FROM responses r WHERE
    (r.status = 'completed') <> EXISTS (SELECT 1 FROM items i WHERE i.holder = r.id AND i.side = 'output')
    OR NOT EXISTS (SELECT 1 FROM items i WHERE i.holder = r.id AND i.side = 'input')
    OR r.status IN ('queued', 'in_progress')`;
  assert.deepEqual(database.prepare(torn).all(), []);
  database.close();
});

/** Responses that have not ended. */
function countOpen(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  const open = database.prepare("SELECT count(*) AS n FROM responses WHERE status IN ('queued', 'in_progress')").get();
  database.close();
  return Number(open?.n);
}

/** Asks again and again, each time going on from the last, until the product is gone. */
async function keepAsking(product: ProductProcess, scripted: ScriptedModel, known: Known, stream: boolean) {
  let previous: string | undefined;
  for (;;) {
    const text = Math.random().toString(36).repeat(20);
    const model = scripted.script(async (turn) => {
      for (let at = 0; at < text.length; at += 40) {
        await turn.text(text.slice(at, at + 40));
        await turn.sleep(1);
      }
      await turn.finish();
    });
    try {
      const reply = await fetch(`${product.http}/v1/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model, input: 'Hi', stream, previous_response_id: previous }),
      });
      let said = '';
      const decoder = new TextDecoder();
      for await (const chunk of reply.body ?? []) {
        said += decoder.decode(chunk, { stream: true });
        const id = /"id":"(resp_\w+)"/.exec(said)?.[1];
        // Only a stream tells an id before the response is whole.
        if (stream && id && !known.has(id)) known.set(id, { text, previous, whole: false });
      }
      assert.equal(reply.status, 200, said);
      const done = stream ? /response\.completed.*data: \[DONE\]/s.test(said) : said.includes('"status":"completed"');
      if (!done) return;
      const id = /"id":"(resp_\w+)"/.exec(said)?.[1] ?? '';
      known.set(id, { text, previous, whole: true });
      previous = id;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return;
    }
  }
}

async function settled(product: ProductProcess, id: string) {
  for (;;) {
    const reply = await fetch(`${product.http}/v1/responses/${id}`);
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what was sent without a schema
    const response = (await reply.json()) as any;
    assert.equal(reply.status, 200, `${id}: ${JSON.stringify(response)}`);
    if (response.status !== 'in_progress') return response;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
