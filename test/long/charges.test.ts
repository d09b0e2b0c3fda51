import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UsagePage, UsageResult } from '../../handler/protocol/usage.ts';
import { newFolder } from '../support/folder.ts';
import { type ScriptedModel, startScriptedModel } from '../support/model/scripted.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';

const TURNS = Number(process.env.TURNS ?? 1_000);
const CLIENTS = 12;
const KILLS = 8;

/** A turn by its model, which nobody else has: the tokens that its server counts, and what its client knows of it. */
interface Asked {
  tokens: number;
  /** Whether the client was told that it has ended. */
  ended: boolean;
  /** Its id, where it is made in the background. */
  background?: string;
}

const ways = ['whole', 'streamed', 'unstored', 'unstored stream', 'background', 'compact'] as const;

test(`${TURNS} turns, and kill -9 in the middle of them: each that was told to have ended is charged once, what it used`, async (t) => {
  const dir = newFolder();
  const scripted = await startScriptedModel();
  const products: ProductProcess[] = [];
  t.after(async () => {
    for (const product of products) product.kill('SIGKILL');
    await scripted.close();
  });
  const models = [{ match: '*', backend: 'chat', url: scripted.url }];
  const file = { database: `sqlite:${join(dir, 'a.db')}`, models, usage: true, limits: { lease: '500ms' } };
  const config = await writeConfig(dir, file);
  const start = async () => {
    const product = await startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
    products.push(product);
    return product;
  };
  const turns = new Map<string, Asked>();
  const known = () => [...turns.values()].filter(({ ended }) => ended).length;
  for (let kill = 1; known() < TURNS; kill++) {
    const product = await start();
    const clients = Array.from({ length: CLIENTS }, (_, n) => keepAsking(product, scripted, turns, n));
    while (known() < Math.min(TURNS, (TURNS / KILLS) * kill)) await sleep(5);
    product.kill('SIGKILL');
    await Promise.all(clients);
  }

  const last = await start();
  for (const asked of turns.values()) if (asked.background) await settled(last, asked);
  const charged = await usageOf(last);
  let total = 0;
  const counts = { told: 0, background: 0, failed: 0, untold: 0, uncharged: 0 };
  for (const [model, { ended, tokens }] of turns) {
    const { requests = 0, total_tokens = 0 } = charged.get(model) ?? {};
    total += total_tokens;
    if (ended) {
      assert.deepEqual([requests, total_tokens], [1, tokens], model);
      counts.told++;
    } else if (requests === 0) counts.uncharged++;
    else {
      // It ended as its client was cut off, or it failed when its process was found dead.
      assert.equal(requests, 1);
      assert.ok(
        total_tokens === tokens || total_tokens === 0,
        `${model} used ${tokens}, and was charged ${total_tokens}`,
      );
      counts[total_tokens === 0 ? 'failed' : 'untold']++;
    }
  }
  counts.background = [...turns.values()].filter(({ background }) => background).length;
  t.diagnostic(JSON.stringify({ ...counts, products: products.length }));
  assert.ok(counts.told >= TURNS && counts.uncharged > 0, 'the load was one');
  assert.ok(counts.untold + counts.failed <= CLIENTS * products.length);
  const [sum] = (await page(last, 'group_by=kind')).data.map(({ results }) => results);
  assert.equal(
    sum?.reduce((all, { total_tokens }) => all + total_tokens, 0),
    total,
  );
});

/** Asks again and again, in one way after another, until the product is gone. */
async function keepAsking(product: ProductProcess, scripted: ScriptedModel, turns: Map<string, Asked>, first: number) {
  for (let n = first; ; n++) {
    const way = ways[n % ways.length];
    const usage = { prompt_tokens: 1 + Math.floor(Math.random() * 1_000), completion_tokens: 1 + (n % 50) };
    const tokens = usage.prompt_tokens + usage.completion_tokens;
    const model = scripted.script(async (turn) => {
      await turn.text('Hello');
      await turn.sleep(1);
      await turn.finish('stop', { ...usage, total_tokens: tokens });
    });
    const asked: Asked = { tokens, ended: false };
    turns.set(model, asked);
    const input = [{ role: 'user', content: 'Hi' }];
    const body = {
      ...{
        model,
        input,
        background: way === 'background',
        stream: way?.includes('stream'),
        store: !way?.includes('unstored'),
      },
    };
    try {
      const path = way === 'compact' ? '/v1/responses/compact' : '/v1/responses';
      const reply = await fetch(`${product.http}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(way === 'compact' ? { model, input } : body),
      });
      const text = await reply.text();
      assert.equal(reply.status, 200, text);
      if (way === 'background') asked.background = JSON.parse(text).id;
      else asked.ended = new RegExp(`"total_tokens":${tokens}\\b`).test(text);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return;
    }
  }
}

/** Waits for the end of a background turn. */
async function settled(product: ProductProcess, asked: Asked) {
  for (;;) {
    const reply = await fetch(`${product.http}/v1/responses/${asked.background}`);
    const { status } = (await reply.json()) as { status: string };
    if (status === 'completed') asked.ended = true;
    if (status !== 'queued' && status !== 'in_progress') return;
    await sleep(20);
  }
}

async function page(product: ProductProcess, query: string): Promise<UsagePage> {
  const reply = await fetch(`${product.http}/v1/usage?${query}`);
  return (await reply.json()) as UsagePage;
}

/** What each model was charged for. */
async function usageOf(product: ProductProcess): Promise<Map<string, UsageResult>> {
  const found = new Map<string, UsageResult>();
  for (let after = ''; ; ) {
    const { data, has_more, last_id } = await page(product, `group_by=model&limit=1000${after}`);
    for (const { results } of data) for (const result of results) found.set(String(result.model), result);
    if (!has_more) return found;
    after = `&after=${last_id}`;
  }
}
